// What each bundle does before its code cache is made. Output is swallowed; what fails here would
// fail in the hands of a user too, so it fails the build.
import fs, { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import proxy from './warm-up-proxy.json' with { type: 'json' }

/** Runs the common case of a bundle. */
export async function warmUp(name, bundle, load, home) {
  const warm = WARM_UPS[name]
  if (warm === undefined) return
  const output = await captured(() => warm(bundle, load, home))
  if (process.exitCode) throw new Error(`${name} failed while it was warmed up:\n${output}`)
}

const WARM_UPS = {
  quick: (bundle, load, home) =>
    withVo(async (dn) => {
      await bundle.main(['query-proxy-timeleft'], load, home)
      for (const command of ['query', 'query-proxy-filename', 'env']) {
        await bundle.main(['--vo', 'warm', '--dn', dn, command], load, home)
      }
      await bundle.main(['query'], load, home)
    }),
  'vobox-proxy': (bundle, load, home) =>
    withVo(async () => {
      await bundle.main(['register', '--help'], load, home)
      await bundle.main(['query', '--table'], load, home)
      await bundle.main(['info'], load, home)
      // No CA vouches for that proxy, and info ends accordingly.
      process.exitCode = undefined
    }),
}

async function captured(work) {
  const [write, writeSync] = [process.stdout.write, fs.writeSync]
  let output = ''
  const swallow = (text) => {
    output += text
    return true
  }
  process.stdout.write = process.stderr.write = swallow
  fs.writeSync = (descriptor, bytes, ...rest) =>
    descriptor === 1 ? Buffer.byteLength(String(bytes)) : writeSync(descriptor, bytes, ...rest)
  try {
    await work()
    return output
  } finally {
    process.stdout.write = write
    fs.writeSync = writeSync
  }
}

const SETTINGS = {
  servers: ['myproxy.example.org'],
  lifetimeSeconds: 43_200,
  refreshSeconds: 3600,
  proxySafeSeconds: 3600,
  myproxySafeSeconds: 864_000,
  email: null,
  voms: [],
  allowLimited: false,
  registeredAt: 1_700_000_000,
  updatedAt: 1_700_000_000,
}

/**
 * A VO directory with one registration whose proxy is the login proxy
 * too. It comes without its key, which none of these commands asks for.
 */
async function withVo(work) {
  const root = mkdtempSync(join(tmpdir(), 'vobox-build-'))
  try {
    const { identity, identityDer, pem } = proxy
    const name = 'warm'
    const directory = join(root, 'warm')
    mkdirSync(join(directory, 'proxy_repository'), { recursive: true, mode: 0o750 })
    writeFileSync(join(directory, 'proxy_repository', name), pem, { mode: 0o600 })
    const entry = { ...SETTINGS, fileName: name, identity, identityDer }
    const text = `{"version":1,"registrations":{\n"${name}":${JSON.stringify(entry)}\n}}\n`
    writeFileSync(join(directory, 'registry.json'), text, { mode: 0o600 })
    const login = join(root, 'login.pem')
    writeFileSync(login, pem, { mode: 0o600 })
    process.env.X509_USER_PROXY = login
    process.env.VOBOX_PROXY_ROOT = root
    await work(identity)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
