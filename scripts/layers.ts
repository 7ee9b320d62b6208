/** Checks every import in src/ and apps/ against layer-list.ts, type imports included. Exit status 1 and one line an arrow if any points up. */
import { globSync, readFileSync } from 'node:fs';
import { join, normalize, relative } from 'node:path';
import { layers, mayUseNode, strangers } from './layer-list.ts';

const root = normalize(`${import.meta.dirname}/..`);
const importPattern = /(?:^|[\s;}])(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm;
const wrong: string[] = [];
let checked = 0;

for (const file of globSync('{src,apps}/**/*.ts', { cwd: root })) {
  if (file.endsWith('.test.ts')) continue;
  const text = readFileSync(join(root, file), 'utf8');
  const [top, layer = ''] = file.split('/');
  const mine = layers.indexOf(layer);
  if (top === 'src' && mine < 0) {
    wrong.push(`${file}: src/${layer}/ is not a layer of scripts/layer-list.ts`);
    continue;
  }
  for (const match of text.matchAll(importPattern)) {
    const target = match[1] ?? match[2] ?? '';
    checked++;
    const refuse = (why: string): void => {
      const line = text.slice(0, match.index + 1).split('\n').length;
      wrong.push(`${file}:${line}: imports ${target}: ${why}`);
    };
    if (!target.startsWith('.')) {
      if (top === 'src' && !mayUseNode.some((f) => file.startsWith(`src/${f}/`))) refuse('only src/host/node/ and apps/ import modules from outside');
      continue;
    }
    const [toTop, to = ''] = relative(root, join(root, file, '..', target)).split('/');
    if (top === 'apps') {
      if (toTop === 'src' && to !== 'sandbox') refuse('apps use sandbox/ only');
    } else if (toTop !== 'src') refuse('src/ imports only from src/');
    else if (layers.indexOf(to) > mine) refuse(`${layer}/ stands below ${to}/`);
    else if (strangers[layer]?.includes(to)) refuse(`${layer}/ must not know ${to}/`);
  }
}
for (const line of wrong) console.error(line);
if (wrong.length === 0) console.log(`layers: ${checked} imports, none points up`);
process.exitCode = wrong.length > 0 ? 1 : 0;
