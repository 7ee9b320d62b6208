/** The layers, lowest first: a folder of src/ imports only from folders before it. The one list of them; DESIGN says what each holds. */
export const layers: readonly string[] = [
  'abi', 'base', 'host', 'wasm', 'x86', 'memory', 'platform', 'auth', 'vfs', 'net', 'loader', 'seccheck', 'kernel', 'fs', 'syscalls', 'sandbox',
];

/** Arrows that point down and are refused all the same, because the lower folder must stay free of the concept. */
export const strangers: Readonly<Record<string, readonly string[]>> = {
  abi: ['base'],
  wasm: ['host'],
  x86: ['wasm', 'host'],
  memory: ['x86', 'wasm'],
  loader: ['platform', 'net'],
};

/** Folders that may import Node's own modules. Everything else reaches the world through host/. */
export const mayUseNode: readonly string[] = ['host/node'];
