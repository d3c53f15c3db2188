-- How did a token go?
select time, mention_count, mention_rank, mention_share, positive_ratio, negative_ratio, net_sentiment
from cryptoracle.metrics
where granularity = {{granularity}} and token = {{token}}
  and time > (select max(time) from cryptoracle.metrics where granularity = {{granularity}} and token = {{token}})
    - {{days}}::integer * interval '24 hours'
order by time;
