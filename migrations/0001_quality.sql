CREATE TABLE "cryptoracle"."quality_due" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cryptoracle"."quality_due_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"granularity" text NOT NULL,
	"windows" "tstzrange" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."quality_notes" (
	"granularity" text NOT NULL,
	"token" text NOT NULL,
	"time" timestamp with time zone NOT NULL,
	"metric" text NOT NULL,
	"note" text NOT NULL,
	"value" double precision NOT NULL,
	"detail" text NOT NULL,
	"noted_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "quality_notes_granularity_token_time_metric_note_pk" PRIMARY KEY("granularity","token","time","metric","note")
);
--> statement-breakpoint
ALTER TABLE "cryptoracle"."quarantine" ADD COLUMN "part" text;--> statement-breakpoint
ALTER TABLE "cryptoracle"."quarantine" ADD COLUMN "request_id" bigint;--> statement-breakpoint
ALTER TABLE "cryptoracle"."quarantine" ADD COLUMN "resolution" text;--> statement-breakpoint
ALTER TABLE "cryptoracle"."quarantine" ADD COLUMN "resolved_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "quality_notes_time" ON "cryptoracle"."quality_notes" USING btree ("granularity","time");