CREATE TABLE "cryptoracle"."notifications" (
	"kind" text PRIMARY KEY NOT NULL,
	"is_open" boolean DEFAULT false NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"told_until" timestamp (3) with time zone NOT NULL,
	"message" text DEFAULT '' NOT NULL
);
