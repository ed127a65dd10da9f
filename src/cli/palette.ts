/** Colours for one stream: only on a terminal, and never against NO_COLOR. */
import { Chalk, type ChalkInstance, supportsColor, supportsColorStderr } from 'chalk';

export function palette(stream: 'stdout' | 'stderr'): ChalkInstance {
  const supported = stream === 'stdout' ? supportsColor : supportsColorStderr;
  const wanted = !process.env.NO_COLOR && supported !== false;
  return new Chalk({ level: wanted ? supported.level : 0 });
}
