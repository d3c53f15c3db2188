CREATE TABLE "cryptoracle"."events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cryptoracle"."events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp (3) with time zone NOT NULL,
	"until" timestamp (3) with time zone NOT NULL,
	"is_open" boolean DEFAULT false NOT NULL,
	"kind" text NOT NULL,
	"granularity" text,
	"subject" text DEFAULT '' NOT NULL,
	"message" text NOT NULL,
	"times" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE INDEX "events_kind" ON "cryptoracle"."events" USING btree ("kind","until");--> statement-breakpoint
CREATE INDEX "events_at" ON "cryptoracle"."events" USING btree ("at");