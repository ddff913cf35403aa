/** Scripts that tests run in processes of their own, bundled once so that fifty start quickly. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build } from 'esbuild'

const require = createRequire(import.meta.url)

/** Native addons are found beside their own package, which a bundle elsewhere could not. */
const ADDONS = ['fs-native-extensions']

/**
 * Bundles `entry` (a path below `test/support/`) into `directory` and returns the path of the
 * script, to be run as `process.execPath PATH`.
 */
export async function bundleScript(entry: string, directory: string): Promise<string> {
  const outfile = join(directory, `${entry.replace(/\W+/g, '-')}.cjs`)
  await build({
    entryPoints: [join(import.meta.dirname, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'error',
    alias: Object.fromEntries(ADDONS.map((name) => [name, require.resolve(name)])),
    external: ADDONS.map((name) => require.resolve(name)),
  })
  return outfile
}
