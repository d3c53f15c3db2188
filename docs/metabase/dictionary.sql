-- What does a column mean?
select relation, column_name, type, unit, summable, averageable, meaning
from cryptoracle.data_dictionary
where position > 0 [[and relation = {{relation}}]]
order by relation, position;
