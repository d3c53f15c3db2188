CREATE TABLE "cryptoracle"."refreshed" (
	"backfill" bigint NOT NULL,
	"granularity" text NOT NULL,
	"token" text NOT NULL,
	"metric" text NOT NULL,
	"answered" "tstzmultirange" DEFAULT '{}' NOT NULL,
	CONSTRAINT "refreshed_backfill_granularity_token_metric_pk" PRIMARY KEY("backfill","granularity","token","metric")
);
--> statement-breakpoint
ALTER TABLE "cryptoracle"."backfills" ADD COLUMN "refresh" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."backfills" ADD COLUMN "values_ordered" bigint;--> statement-breakpoint
ALTER TABLE "cryptoracle"."backfills" ADD COLUMN "requests_planned" integer;--> statement-breakpoint
ALTER TABLE "cryptoracle"."backfills" ADD COLUMN "beat_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "cryptoracle"."backfills" ADD COLUMN "message" text;--> statement-breakpoint
ALTER TABLE "cryptoracle"."pace" ADD COLUMN "repair_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "cryptoracle"."pace" ADD COLUMN "lookback_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "cryptoracle"."pace" ADD COLUMN "day" date;--> statement-breakpoint
ALTER TABLE "cryptoracle"."pace" ADD COLUMN "sent_today" integer DEFAULT 0 NOT NULL;