-- How fresh is it?
select granularity, newest_window, newest_window_end, tokens, windows_behind, is_late
from cryptoracle.freshness;
