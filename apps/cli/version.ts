/** The version, from package.json; the bundler puts the text in place. */
import manifest from '../../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;

/** Names the built command; the bundler puts in a digest of it. */
declare const VIVARIUM_BUILD: string | undefined;
export const BUILD: string = typeof VIVARIUM_BUILD === 'undefined' ? '' : VIVARIUM_BUILD;
