/** Settings of the store. */
import { area, choice, integer, text } from './area.ts';

export const store = area('Store', {
  kind: choice('Where state is kept.', 'sqlite', ['sqlite', 'memory']),
  recordsKept: integer('Call records kept; beyond it the oldest go.', 100_000, 1),
  file: text('File of the sqlite store.', 'data/lineside.sqlite'),
  keyFile: text(
    'File of the key that seals sink credentials in the sqlite store; made at the first start, to be kept apart from backups of the store.',
    'data/lineside.key',
  ),
});
