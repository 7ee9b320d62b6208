/** The value of `// KEY: value` or `# KEY: value` among the leading comment lines of a test file; empty without one. */
export function directive(text: string, key: string): string {
  for (const line of text.split('\n')) {
    const m = /^(?:\/\/|#|\/?\*+)\s*(.*)$/.exec(line);
    if (!m) break;
    if (m[1]?.startsWith(`${key}:`)) return m[1].slice(key.length + 1).trim();
  }
  return '';
}
