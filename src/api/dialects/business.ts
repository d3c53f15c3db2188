import { formatBeijing } from '../../beijing.ts';
import type { BusinessParameters, Question } from '../dialect.ts';

const second = 1000;

/**
 * A question in the vendor's words (API page, Business Parameters).
 *
 * `endTime` is a second before the end of the last window. Nobody tells whether a window that starts exactly at `endTime`
 * is answered as well; of this one no window starts there, so that both readings give the same.
 *
 * @param emptyTags whether `tags` is sent where no tag is wanted
 */
export function businessOf(question: Question, emptyTags: 'sent' | 'left out'): BusinessParameters {
  if (question.call === 'coin/list') return {};
  const { tokens, interval, granularity, metrics, tags, extraParams = [] } = question.about;
  return {
    token: tokens,
    startTime: formatBeijing(interval.start),
    endTime: formatBeijing(interval.end - second),
    timeType: granularity,
    endpoints: metrics,
    ...(tags.length > 0 || emptyTags === 'sent' ? { tags } : {}),
    ...(extraParams.length > 0 ? { extraParams } : {}),
  };
}
