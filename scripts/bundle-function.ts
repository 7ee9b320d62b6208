/** Before and after the bundle, to make the function of it that Node calls a CommonJS module with. */
export const HEAD = '(function(exports,require,module,__filename,__dirname){';
export const TAIL = '\n})';
