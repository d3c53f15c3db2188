ALTER TABLE "cryptoracle"."metrics_15m" ADD COLUMN "seen_later" jsonb;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1d" ADD COLUMN "seen_later" jsonb;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1h" ADD COLUMN "seen_later" jsonb;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_4h" ADD COLUMN "seen_later" jsonb;