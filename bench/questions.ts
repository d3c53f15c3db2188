/** The questions of analysts; a database with a year of everything must answer each within 50 ms. */

export interface Question {
  readonly name: string;
  readonly sql: string;
}

const hourly = "granularity = '1h'";

export const questions: readonly Question[] = [
  { name: 'newest row of all tokens, 1h', sql: 'select * from cryptoracle.latest_1h' },
  { name: 'newest row of all tokens, 15m', sql: 'select * from cryptoracle.latest_15m' },
  { name: 'newest row of all tokens, all granularities', sql: 'select * from cryptoracle.latest' },
  {
    name: '90 days hourly of one token, all metrics',
    sql: `select * from cryptoracle.metrics
      where ${hourly} and token = 'BTC' and time >= now() - interval '90 days' order by time`,
  },
  {
    name: '90 days hourly of one token, one metric as rows',
    sql: `select time, value from cryptoracle.metrics_long
      where ${hourly} and metric = 'net_sentiment' and token = 'BTC' and time >= now() - interval '90 days'
      order by time`,
  },
  {
    name: 'cross-section of all tokens, newest hour',
    sql: `select * from cryptoracle.metrics
      where ${hourly} and time = (select newest_window from cryptoracle.freshness where ${hourly})
      order by mention_rank`,
  },
  {
    name: 'cross-section of all tokens, half a year ago',
    sql: `select token, mention_count, mention_share, net_sentiment from cryptoracle.metrics
      where ${hourly} and time = date_trunc('day', now(), 'Asia/Shanghai') - interval '180 days'
      order by mention_count desc`,
  },
  {
    name: 'movers of the newest hour',
    sql: `select * from cryptoracle.movers where ${hourly} order by mention_place limit 20`,
  },
  {
    name: 'as it was known a day ago, 90 days hourly of one token',
    sql: `select time, mention_count, net_sentiment from cryptoracle.as_of('1h', now() - interval '1 day')
      where token = 'BTC' and time >= now() - interval '90 days' order by time`,
  },
  {
    name: 'z-score against 30 days, one token, newest hour',
    sql: `select * from cryptoracle.sentiment_zscore where ${hourly} and token = 'BTC'`,
  },
  {
    name: 'z-score against 30 days, one token, 30 days hourly',
    sql: `select * from cryptoracle.sentiment_zscore_history
      where ${hourly} and token = 'BTC' and time >= now() - interval '30 days' order by time`,
  },
  {
    name: "a day's coverage",
    sql: `select * from cryptoracle.coverage_daily
      where day = (now() at time zone 'Asia/Shanghai')::date - 1`,
  },
  { name: 'freshness', sql: 'select * from cryptoracle.freshness' },
];
