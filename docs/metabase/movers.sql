-- What moved most since yesterday? The newest window against the same window 24 hours before.
select token, window_end, mention_count, mention_count_before, mention_change, mention_change_ratio, sentiment_change
from cryptoracle.movers
where granularity = {{granularity}} [[and mention_count_before >= {{least_mentions}}::float8]]
order by mention_place
limit 25;
