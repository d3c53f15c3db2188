-- What is the mood of the market, Beijing day by day? Each token weighs as much as it is mentioned.
select (time at time zone 'Asia/Shanghai')::date as day, sum(mention_count) as mentions,
  sum(net_sentiment * mention_count) / nullif(sum(mention_count) filter (where net_sentiment is not null), 0)
    as net_sentiment
from cryptoracle.metrics
where granularity = '1d'
  and time > (select max(time) from cryptoracle.metrics where granularity = '1d')
    - {{days}}::integer * interval '24 hours'
group by 1
order by 1;
