ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "endpoint" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "params" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "name" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "summable" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "averageable" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "across_windows" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "versions" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "origin" text DEFAULT 'bundled' NOT NULL;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metric_catalog" ADD COLUMN "retired_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "cryptoracle"."wanted" ADD COLUMN "api_version" text;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_15m" ADD COLUMN "sentiment_momentum" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_15m" ADD COLUMN "sentiment_drift" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_15m" ADD COLUMN "sentiment_breakout" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_15m" ADD COLUMN "sentiment_price_gap" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1d" ADD COLUMN "sentiment_momentum" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1d" ADD COLUMN "sentiment_drift" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1d" ADD COLUMN "sentiment_breakout" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1d" ADD COLUMN "sentiment_price_gap" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1h" ADD COLUMN "sentiment_momentum" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1h" ADD COLUMN "sentiment_drift" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1h" ADD COLUMN "sentiment_breakout" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_1h" ADD COLUMN "sentiment_price_gap" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_4h" ADD COLUMN "sentiment_momentum" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_4h" ADD COLUMN "sentiment_drift" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_4h" ADD COLUMN "sentiment_breakout" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."metrics_4h" ADD COLUMN "sentiment_price_gap" double precision;