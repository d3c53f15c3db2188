-- Whose sentiment is unusual for it? Standard deviations from the token's own 30 Beijing days.
select token, window_end, net_sentiment, mean_30d, stddev_30d, windows_30d, zscore
from cryptoracle.sentiment_zscore
where granularity = {{granularity}} and zscore is not null
order by abs(zscore) desc
limit 25;
