/** The command `vivarium`. */
console.error('vivarium: not assembled yet');
process.exitCode = 125;
