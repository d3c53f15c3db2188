CREATE TABLE "cryptoracle"."facts" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL,
	"found" text NOT NULL,
	"detail" text,
	"since" timestamp (3) with time zone NOT NULL
);
