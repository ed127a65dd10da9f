/**
 * The command `npm run fuzz:cpu`. What it needs is loaded once the options are known to be right, and the interpreter
 * generated.
 */
import { runCommand } from '../command.js';
import { generateFirst } from '../processes.js';
import { NOTES, OPTIONS, settings } from './options.js';

await runCommand({
  name: 'fuzz:cpu',
  summary: "Compares instructions with this machine's processor",
  options: OPTIONS,
  notes: NOTES,
  async run(values) {
    await generateFirst();
    const { masks, run } = await import('./session.js');
    if (!values.masks) return run(settings(values));
    console.log(masks());
    return 0;
  },
});
