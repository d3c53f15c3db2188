-- How do two tokens compare? As lines, with the token as the series.
select time, token, value
from cryptoracle.metrics_long
where granularity = {{granularity}} and metric = {{metric}} and token in ({{token}}, {{other_token}})
  and time > (select max(time) from cryptoracle.metrics where granularity = {{granularity}} and token in ({{token}}, {{other_token}}))
    - {{days}}::integer * interval '24 hours'
order by time, token;
