CREATE TABLE "cryptoracle"."dropped" (
	"granularity" text NOT NULL,
	"token" text NOT NULL,
	"metric" text NOT NULL,
	"windows" "tstzmultirange" DEFAULT '{}' NOT NULL,
	"noticed_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "dropped_granularity_token_metric_pk" PRIMARY KEY("granularity","token","metric")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."quality_rules" (
	"granularity" text NOT NULL,
	"metric" text NOT NULL,
	"note" text NOT NULL,
	"rows_checked" double precision NOT NULL,
	"rows_found" double precision NOT NULL,
	"suspended_since" timestamp (3) with time zone,
	"examples" jsonb DEFAULT '[]'::jsonb NOT NULL,
	CONSTRAINT "quality_rules_granularity_metric_note_pk" PRIMARY KEY("granularity","metric","note")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."stored_days" (
	"granularity" text PRIMARY KEY NOT NULL,
	"days" "tstzmultirange" DEFAULT '{}' NOT NULL
);
--> statement-breakpoint
DROP INDEX "cryptoracle"."quality_notes_time";--> statement-breakpoint
ALTER TABLE "cryptoracle"."quality_notes" DROP CONSTRAINT "quality_notes_granularity_token_time_metric_note_pk";--> statement-breakpoint
ALTER TABLE "cryptoracle"."quality_notes" ADD CONSTRAINT "quality_notes_granularity_time_token_metric_note_pk" PRIMARY KEY("granularity","time","token","metric","note");--> statement-breakpoint
ALTER TABLE "cryptoracle"."wanted" ADD COLUMN "keep" interval;--> statement-breakpoint
CREATE INDEX "quality_due_end" ON "cryptoracle"."quality_due" USING btree ("granularity",upper("windows"));