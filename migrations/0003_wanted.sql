CREATE TABLE "cryptoracle"."wanted" (
	"granularity" text PRIMARY KEY NOT NULL,
	"history_start" timestamp (3) with time zone NOT NULL,
	"settle_delay" interval NOT NULL,
	"tokens" text[],
	"metrics" text[] NOT NULL
);
--> statement-breakpoint
ALTER TABLE "cryptoracle"."backfills" ADD COLUMN "even_unavailable" boolean DEFAULT false NOT NULL;