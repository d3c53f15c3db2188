CREATE TABLE "cryptoracle"."doubted_lists" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"tokens" text[] NOT NULL,
	"vanished" text[] NOT NULL,
	"unknown" integer NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"times" integer DEFAULT 1 NOT NULL,
	"ask_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cryptoracle"."suspects" (
	"granularity" text NOT NULL,
	"token" text NOT NULL,
	"metric" text NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"times" integer NOT NULL,
	"windows" "tstzmultirange" NOT NULL,
	"asked_at" timestamp (3) with time zone NOT NULL,
	"ask_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "suspects_granularity_token_metric_since_times_pk" PRIMARY KEY("granularity","token","metric","since","times")
);
