ALTER TABLE "cryptoracle"."pace" ADD COLUMN "requests_per_second" double precision;--> statement-breakpoint
ALTER TABLE "cryptoracle"."pace" ADD COLUMN "requests_per_day" integer;