ALTER TABLE "cryptoracle"."pace" ADD COLUMN "repair_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "cryptoracle"."pace" ADD COLUMN "lookback_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "cryptoracle"."pace" ADD COLUMN "day" date;--> statement-breakpoint
ALTER TABLE "cryptoracle"."pace" ADD COLUMN "sent_today" integer DEFAULT 0 NOT NULL;