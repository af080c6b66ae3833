/** Settings of the store. */
import { area, choice, text } from './area.ts';

export const store = area('Store', {
  kind: choice('Where state is kept.', 'sqlite', ['sqlite', 'memory']),
  file: text('File of the sqlite store.', 'data/lineside.sqlite'),
});
