-- Is anything missing? What the API has answered of each Beijing day; below 1 there is a gap.
select day, granularity, sum(answered)::float8 / sum(expected) as answered, min(answered_ratio) as worst_token
from cryptoracle.coverage_daily
where day >= (now() at time zone 'Asia/Shanghai')::date - {{days}}::integer
group by day, granularity
order by day, granularity;
