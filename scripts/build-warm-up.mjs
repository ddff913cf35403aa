// What each bundle does before its code cache is made. Output is swallowed; what fails here would
// fail in the hands of a user too, so it fails the build.
import fs, { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import dressed from './warm-up-attributes.json' with { type: 'json' }
import proxy from './warm-up-proxy.json' with { type: 'json' }

/** Runs the common case of a bundle. */
export async function warmUp(name, bundle, load, home) {
  const warm = WARM_UPS[name]
  if (warm === undefined) return
  const output = await captured(() => warm(bundle, load, home))
  if (MEANT_TO_FAIL[name]?.test(output)) process.exitCode = undefined
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
      await bundle.main(['--vo', 'warm', '--dn', dressed.identity, 'query'], load, home)
    }),
  // Up to the connection: nothing listens on the discard port of this machine.
  logon: (bundle, load, home) =>
    withVo(async (_dn, directory) => {
      const phrase = join(directory, 'phrase')
      writeFileSync(phrase, 'warm\n', { mode: 0o600 })
      const words = ['-q', '-s', '127.0.0.1:9', '-l', 'warm', '--pass-phrase-file', phrase]
      const output = join(directory, 'proxy.pem')
      const { exit } = process
      process.exit = () => undefined
      try {
        await bundle.main(['myproxy', 'logon', ...words, '-o', output], load, home)
      } finally {
        process.exit = exit
      }
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

/** What a common case says that cannot be had whole where a program is built. */
const MEANT_TO_FAIL = { logon: /127\.0\.0\.1:9: nothing listens there/ }

async function captured(work) {
  const [write, writeSync] = [process.stdout.write, fs.writeSync]
  let output = ''
  const swallow = (text) => {
    output += text
    return true
  }
  process.stdout.write = process.stderr.write = swallow
  fs.writeSync = (descriptor, bytes, ...rest) => {
    if (descriptor > 2) return writeSync(descriptor, bytes, ...rest)
    output += bytes
    return Buffer.byteLength(String(bytes))
  }
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
 * A VO directory with two registrations: a plain proxy, which is the login proxy too, and one with
 * attributes that the trust material beside it vouches for. They come without their keys, which none
 * of these commands asks for.
 */
async function withVo(work) {
  const directory = mkdtempSync(join(tmpdir(), 'vobox-build-'))
  const root = join(directory, 'root')
  try {
    const entries = [put(root, 'warm', proxy, []), put(root, 'dressed', dressed, ['warm'])]
    const text = `{"version":1,"registrations":{\n${entries.join(',\n')}\n}}\n`
    writeFileSync(join(root, 'warm', 'registry.json'), text, { mode: 0o600 })
    const login = join(directory, 'login.pem')
    writeFileSync(login, proxy.pem, { mode: 0o600 })
    process.env.X509_USER_PROXY = login
    process.env.VOBOX_PROXY_ROOT = root
    putTrust(directory, dressed)
    await work(proxy.identity, directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A line of the registry; its proxy is in the repository. */
function put(root, fileName, { identity, identityDer, pem }, voms) {
  const repository = join(root, 'warm', 'proxy_repository')
  mkdirSync(repository, { recursive: true, mode: 0o750 })
  writeFileSync(join(repository, fileName), pem, { mode: 0o600 })
  return `"${fileName}":${JSON.stringify({ ...SETTINGS, fileName, identity, identityDer, voms })}`
}

function putTrust(directory, { ca, lsc }) {
  const [certificates, vomsdir] = [join(directory, 'certificates'), join(directory, 'vomsdir')]
  mkdirSync(certificates)
  writeFileSync(join(certificates, `${ca.hash}.0`), ca.certificate)
  writeFileSync(join(certificates, `${ca.hash}.r0`), ca.crl)
  writeFileSync(join(certificates, `${ca.hash}.signing_policy`), ca.policy)
  mkdirSync(join(vomsdir, lsc.directory), { recursive: true })
  writeFileSync(join(vomsdir, lsc.directory, lsc.name), lsc.text)
  process.env.X509_CERT_DIR = certificates
  process.env.X509_VOMS_DIR = vomsdir
}
