CREATE SCHEMA IF NOT EXISTS "cryptoracle";
--> statement-breakpoint
CREATE TABLE "cryptoracle"."metric_catalog" (
	"code" text PRIMARY KEY NOT NULL,
	"column_name" text NOT NULL,
	"kind" text NOT NULL,
	"unit" text NOT NULL,
	"minimum" double precision,
	"maximum" double precision,
	"meaning" text NOT NULL,
	CONSTRAINT "metric_catalog_column_name_unique" UNIQUE("column_name")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."tag_catalog" (
	"code" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"subject" text NOT NULL,
	"meaning" text NOT NULL,
	CONSTRAINT "tag_catalog_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."tokens" (
	"token" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"position" integer NOT NULL,
	"listed" boolean DEFAULT true NOT NULL,
	"first_listed_at" timestamp (3) with time zone NOT NULL,
	"last_listed_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."backfills" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cryptoracle"."backfills_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"windows_from" timestamp with time zone NOT NULL,
	"windows_to" timestamp with time zone NOT NULL,
	"granularities" text[] NOT NULL,
	"tokens" text[] NOT NULL,
	"metrics" text[] NOT NULL,
	"state" text NOT NULL,
	"requests_sent" integer DEFAULT 0 NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."breaker" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"code" integer,
	"reason" text NOT NULL,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"probe_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."coverage" (
	"granularity" text NOT NULL,
	"token" text NOT NULL,
	"metric" text NOT NULL,
	"answered" "tstzmultirange" DEFAULT '{}' NOT NULL,
	CONSTRAINT "coverage_granularity_token_metric_pk" PRIMARY KEY("granularity","token","metric")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."entitlements" (
	"metric" text PRIMARY KEY NOT NULL,
	"refused_since" timestamp (3) with time zone NOT NULL,
	"last_refused_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."pace" (
	"id" smallint PRIMARY KEY DEFAULT 1 NOT NULL,
	"next_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."quarantine" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cryptoracle"."quarantine_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"granularity" text NOT NULL,
	"token" text,
	"time" timestamp with time zone,
	"metric" text,
	"reason" text NOT NULL,
	"raw" text NOT NULL,
	"raw_digest" text GENERATED ALWAYS AS (md5(raw)) STORED NOT NULL,
	"times_seen" integer DEFAULT 1 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "quarantine_entry" UNIQUE NULLS NOT DISTINCT("granularity","token","time","metric","reason","raw_digest")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."requests" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cryptoracle"."requests_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"sent_at" timestamp (3) with time zone NOT NULL,
	"what" text NOT NULL,
	"lane" text NOT NULL,
	"granularity" text,
	"windows_from" timestamp with time zone,
	"windows_to" timestamp with time zone,
	"tokens" text[] DEFAULT '{}' NOT NULL,
	"metrics" text[] DEFAULT '{}' NOT NULL,
	"outcome" text NOT NULL,
	"code" integer,
	"records" integer DEFAULT 0 NOT NULL,
	"rows_written" integer DEFAULT 0 NOT NULL,
	"milliseconds" integer NOT NULL,
	"message" text
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."revisions" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cryptoracle"."revisions_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"granularity" text NOT NULL,
	"token" text NOT NULL,
	"time" timestamp with time zone NOT NULL,
	"metric" text NOT NULL,
	"old" double precision,
	"new" double precision NOT NULL,
	"revised_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."token_tags" (
	"token" text NOT NULL,
	"tag" text NOT NULL,
	"value" text NOT NULL,
	"first_day" date NOT NULL,
	"last_day" date NOT NULL,
	CONSTRAINT "token_tags_token_tag_first_day_pk" PRIMARY KEY("token","tag","first_day")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."metrics_15m" (
	"time" timestamp with time zone NOT NULL,
	"token" text NOT NULL,
	"mention_rank" double precision,
	"mention_rank_change" double precision,
	"message_count" double precision,
	"interaction_count" double precision,
	"mention_count" double precision,
	"unique_user_count" double precision,
	"community_count" double precision,
	"mention_share" double precision,
	"positive_ratio" double precision,
	"negative_ratio" double precision,
	"net_sentiment" double precision,
	"extreme_sentiment_ratio" double precision,
	"sentiment_consensus" double precision,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"backfilled" boolean DEFAULT false NOT NULL,
	CONSTRAINT "metrics_15m_token_time_pk" PRIMARY KEY("token","time")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."metrics_1d" (
	"time" timestamp with time zone NOT NULL,
	"token" text NOT NULL,
	"mention_rank" double precision,
	"mention_rank_change" double precision,
	"message_count" double precision,
	"interaction_count" double precision,
	"mention_count" double precision,
	"unique_user_count" double precision,
	"community_count" double precision,
	"mention_share" double precision,
	"positive_ratio" double precision,
	"negative_ratio" double precision,
	"net_sentiment" double precision,
	"extreme_sentiment_ratio" double precision,
	"sentiment_consensus" double precision,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"backfilled" boolean DEFAULT false NOT NULL,
	CONSTRAINT "metrics_1d_token_time_pk" PRIMARY KEY("token","time")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."metrics_1h" (
	"time" timestamp with time zone NOT NULL,
	"token" text NOT NULL,
	"mention_rank" double precision,
	"mention_rank_change" double precision,
	"message_count" double precision,
	"interaction_count" double precision,
	"mention_count" double precision,
	"unique_user_count" double precision,
	"community_count" double precision,
	"mention_share" double precision,
	"positive_ratio" double precision,
	"negative_ratio" double precision,
	"net_sentiment" double precision,
	"extreme_sentiment_ratio" double precision,
	"sentiment_consensus" double precision,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"backfilled" boolean DEFAULT false NOT NULL,
	CONSTRAINT "metrics_1h_token_time_pk" PRIMARY KEY("token","time")
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."metrics_4h" (
	"time" timestamp with time zone NOT NULL,
	"token" text NOT NULL,
	"mention_rank" double precision,
	"mention_rank_change" double precision,
	"message_count" double precision,
	"interaction_count" double precision,
	"mention_count" double precision,
	"unique_user_count" double precision,
	"community_count" double precision,
	"mention_share" double precision,
	"positive_ratio" double precision,
	"negative_ratio" double precision,
	"net_sentiment" double precision,
	"extreme_sentiment_ratio" double precision,
	"sentiment_consensus" double precision,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"backfilled" boolean DEFAULT false NOT NULL,
	CONSTRAINT "metrics_4h_token_time_pk" PRIMARY KEY("token","time")
);
--> statement-breakpoint
CREATE INDEX "requests_sent_at" ON "cryptoracle"."requests" USING btree ("sent_at");--> statement-breakpoint
CREATE INDEX "revisions_cell" ON "cryptoracle"."revisions" USING btree ("granularity","token","time","metric");--> statement-breakpoint
CREATE INDEX "revisions_revised_at" ON "cryptoracle"."revisions" USING btree ("granularity","revised_at");--> statement-breakpoint
CREATE INDEX "metrics_15m_time" ON "cryptoracle"."metrics_15m" USING btree ("time");--> statement-breakpoint
CREATE INDEX "metrics_1d_time" ON "cryptoracle"."metrics_1d" USING btree ("time");--> statement-breakpoint
CREATE INDEX "metrics_1h_time" ON "cryptoracle"."metrics_1h" USING btree ("time");--> statement-breakpoint
CREATE INDEX "metrics_4h_time" ON "cryptoracle"."metrics_4h" USING btree ("time");