-- What is talked about most right now?
select latest.token, tokens.name, latest.window_end, mention_count, mention_share, net_sentiment
from cryptoracle.latest
join cryptoracle.tokens using (token)
where granularity = {{granularity}} and mention_count is not null
  and time >= (select max(time) from cryptoracle.metrics where granularity = {{granularity}}) - interval '24 hours'
order by mention_count desc
limit 25;
