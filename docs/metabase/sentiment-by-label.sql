-- How does the mood differ between groups of tokens? Labels: ecosystem, market_cap_tier, community_scale and others.
select coalesce(cryptoracle.label_json(label.value) ->> 'primary', label.value) as label,
  count(*) as tokens, sum(latest.mention_count) as mentions,
  sum(latest.net_sentiment * latest.mention_count)
    / nullif(sum(latest.mention_count) filter (where latest.net_sentiment is not null), 0) as net_sentiment
from cryptoracle.latest_1d as latest
join cryptoracle.token_tags_current as label on label.token = latest.token
where label.tag = {{label}}
group by 1
order by mentions desc nulls last;
