/** Login proxies of ours in the hands of the tools that users have, and the other way round. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attributeType } from '../../src/asn1/attribute-types.js'
import { derOid, derSequence, derUtf8String, encodeDer, TAG } from '../../src/asn1/der.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { parseName } from '../../src/x509/name.js'
import { encodePem } from '../../src/x509/pem.js'
import { spawnSync } from '../support/bounded.js'
import { openssl } from '../support/openssl-ca.js'
import { TestAuthority, type TestKeyKind } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { field, PeerDirectory } from '../support/proxy-peers.js'

const HOME = join(import.meta.dirname, '..', '..')
const INIT = join(HOME, 'bin', 'vobox-proxy')
const COMPAT = join(HOME, 'compat')
const PASS_PHRASE = 'grün wie 42 Äpfel'

const ca = new TestAuthority({ key: 'rsa2048' })
const peers = new PeerDirectory()
beforeAll(() => peers.open(ca))
afterAll(() => peers.close())

const at = (name: string) => join(peers.directory, name)

/** Runs a program of ours, or of others, with what PeerDirectory gives all of them. */
const run = (program: string, ...args: string[]) => peers.run(program, args)

async function files(name: string, kind: TestKeyKind = 'rsa2048') {
  const credential = ca.issueUser(name, { key: kind })
  return { credential, ...(await writeCredentialPair(peers.directory, name, credential)) }
}

async function init(name: string, ...words: string[]): Promise<string> {
  const out = at(`${name}-proxy`)
  const { exitCode, text } = await run(INIT, 'proxy-init', '--out', out, '--verify', ...words)
  expect([exitCode, text]).toEqual([0, expect.stringContaining(`Created proxy in ${out}`)])
  return out
}

const SUBJECT = (name: string) => `/DC=org/DC=example/OU=Users/CN=${name}`

const TOOLS = ['grid-proxy-info', 'voms-proxy-info2', 'voms-proxy-info3', 'openssl']

describeWithPrograms('proxies of proxy-init', TOOLS, () => {
  it.each<[string, TestKeyKind, string[], string]>([
    ['full, of an RSA certificate', 'rsa2048', [], 'RFC 3820 compliant impersonation proxy'],
    [
      'limited, of an RSA certificate',
      'rsa2048',
      ['--limited'],
      'RFC 3820 compliant limited proxy',
    ],
    ['full, of a P-256 certificate', 'p256', [], 'RFC 3820 compliant impersonation proxy'],
    ['with 3072 bits', 'rsa2048', ['--bits', '3072'], 'RFC 3820 compliant impersonation proxy'],
  ])(
    'are what Globus, both VOMS clients and OpenSSL take them for: %s',
    async (_what, kind, words, type) => {
      const { cert, key } = await files(`user-${kind}-${words.length}`, kind)
      const out = await init('made', '--cert', cert, '--key', key, '--valid', '24:00', ...words)
      const grid = await run('grid-proxy-info', '-file', out)
      expect(field(grid.text, 'identity')).toBe(SUBJECT(`user-${kind}-${words.length}`))
      expect(field(grid.text, 'type')).toBe(type)
      expect(field(grid.text, 'strength')).toBe(`${words[1] ?? '2048'} bits`)
      expect(
        (await run('grid-proxy-info', '-file', out, '-exists', '-valid', '23:50')).exitCode,
      ).toBe(0)
      for (const tool of ['voms-proxy-info2', 'voms-proxy-info3']) {
        const { exitCode, text } = await run(tool, '-file', out, '-all')
        expect([tool, exitCode, field(text, 'issuer')]).toEqual([
          tool,
          0,
          SUBJECT(`user-${kind}-${words.length}`),
        ])
      }
      const root = at('root.pem')
      writeFileSync(root, encodePem('CERTIFICATE', ca.certificate.der))
      const verify = ['verify', '-allow_proxy_certs', '-CAfile', root, '-untrusted', out, out]
      expect(await openssl(verify)).toBe(`${out}: OK`)
    },
  )

  it('keep a name of T61, BMP and several values byte for byte, out of PEM and PKCS#12', async () => {
    const odd = (type: string, tag: number, hex: string) =>
      derSequence(derOid(attributeType(type) ?? type), encodeDer(tag, Buffer.from(hex, 'hex')))
    const name = parseName(
      derSequence(
        encodeDer(TAG.set, odd('DC', TAG.ia5String, '6f7267')),
        encodeDer(TAG.set, odd('O', TAG.t61String, '5afc72696368')),
        encodeDer(TAG.set, odd('OU', TAG.bmpString, '005a00fc')),
        encodeDer(
          TAG.set,
          derSequence(derOid(attributeType('CN') ?? ''), derUtf8String('Zoë')),
          odd('UID', TAG.utf8String, '7a6f65'),
        ),
      ),
    )
    const credential = ca.issueUser(name, { key: 'rsa2048' })
    const { cert, key } = await writeCredentialPair(peers.directory, 'odd', credential)
    const p12 = at('odd.p12')
    const words = ['pkcs12', '-export', '-legacy', '-in', cert, '-inkey', key, '-out', p12]
    await openssl([...words, '-passout', `pass:${PASS_PHRASE}`])
    chmodSync(p12, 0o600)
    const phrase = at('odd-phrase')
    writeFileSync(phrase, PASS_PHRASE)
    const fromPem = await init('odd-pem', '--cert', cert, '--key', key)
    const shell = `exec "$0" proxy-init --cert ${p12} --out ${at('odd-p12')} --pass-phrase-fd 5 5<${phrase}`
    expect(await run('sh', '-c', shell, INIT)).toMatchObject({ exitCode: 0 })
    for (const file of [fromPem, at('odd-p12')]) {
      const { chain } = parseCredential(readFileSync(file))
      expect(Buffer.from(describeChain(chain).identity.der)).toEqual(Buffer.from(name.der))
      expect(Buffer.from(chain[1]?.der ?? [])).toEqual(Buffer.from(credential.chain[0]?.der ?? []))
      const { exitCode, text } = await run('grid-proxy-info', '-file', file, '-exists')
      expect([exitCode, text.trim()]).toEqual([0, ''])
    }
  })
})

describeWithPrograms(
  'proxy-init and proxies of others',
  ['grid-proxy-init', 'grid-proxy-info'],
  () => {
    it('signs with one of grid-proxy-init, and keys that openssl encrypted open', async () => {
      const { cert, key } = await files('globus')
      for (const [index, cipher] of ['-aes256', '-des3'].entries()) {
        const locked = at(`locked-${index}`)
        const words = ['rsa', '-in', key, cipher, '-traditional', '-out', locked]
        await openssl([...words, '-passout', `pass:${PASS_PHRASE}`])
        chmodSync(locked, 0o400)
        const shell = `exec "$0" proxy-init --pwstdin --quiet --cert ${cert} --key ${locked} --out ${at('from-locked')}`
        const { stdout, status } = spawnSync('sh', ['-c', shell, INIT], { input: PASS_PHRASE })
        expect([cipher, status, stdout.toString()]).toEqual([cipher, 0, ''])
      }
      const theirs = at('theirs')
      const made = await run('grid-proxy-init', '-rfc', '-cert', cert, '-key', key, '-out', theirs)
      expect(made.exitCode).toBe(0)
      const env = { X509_USER_PROXY: theirs }
      const words = ['proxy-init', '--noregen', '--out', at('second'), '--verify']
      expect((await peers.run(INIT, words, env)).exitCode).toBe(0)
      const { text } = await run('grid-proxy-info', '-file', at('second'))
      expect(field(text, 'identity')).toBe(SUBJECT('globus'))
    })

    it('makes, under the names of other tools, what these themselves would', async () => {
      const { cert, key } = await files('compat')
      const out = at('compat-proxy')
      for (const tool of ['voms-proxy-init', 'grid-proxy-init']) {
        const words = ['-q', '-rfc', '-cert', cert, '-key', key, '-valid', '36:00', '-bits', '1024']
        const { exitCode, text } = await run(join(COMPAT, tool), ...words, '-out', out)
        expect([tool, exitCode, text.trim()]).toEqual([tool, 0, ''])
        const { text: theirs } = await run('grid-proxy-info', '-file', out)
        expect(field(theirs, 'strength')).toBe('2048 bits')
      }
      const ask = async (tool: string, ...options: string[]) => {
        const { text } = await run(tool, '-file', out, ...options)
        return text.trim()
      }
      for (const option of ['-identity', '-issuer', '-subject', '-path']) {
        const theirs = await ask('grid-proxy-info', option)
        for (const tool of ['grid-proxy-info', 'voms-proxy-info']) {
          expect([tool, option, await ask(join(COMPAT, tool), option)]).toEqual([
            tool,
            option,
            theirs,
          ])
        }
      }
      const left = [
        await ask('grid-proxy-info', '-timeleft'),
        await ask(join(COMPAT, 'grid-proxy-info'), '-timeleft'),
      ]
      expect(Math.abs(Number(left[0]) - Number(left[1]))).toBeLessThan(20)
    })

    it.each([
      [['-exists'], 0],
      [['-exists', '-valid', '35:00'], 0],
      [['-exists', '-valid', '37:00'], 1],
      [['-exists', '-hours', '37'], 1],
      [['-exists', '-bits', '2048'], 0],
      [['-exists', '-bits', '4096'], 1],
    ])('answers grid-proxy-info %j as Globus does, with %d', async (words, expected) => {
      const out = at('exists-proxy')
      if (!existsSync(out)) {
        const { cert, key } = await files('exists')
        await init('exists', '--cert', cert, '--key', key, '--valid', '36:00')
      }
      const theirs = await run('grid-proxy-info', '-file', out, ...words)
      const ours = await run(join(COMPAT, 'grid-proxy-info'), '-file', out, ...words)
      expect([theirs.exitCode, ours.exitCode]).toEqual([expected, expected])
    })
  },
)

describe('the links of compat/', () => {
  it('show the usage of the tool, refuse what it does not know with 1, and work through a link', async () => {
    const link = at('voms-proxy-init')
    if (!existsSync(link)) spawnSync('ln', ['-s', join(COMPAT, 'voms-proxy-init'), link])
    const help = await run(link, '-help')
    expect([help.exitCode, help.text.split('\n')[0]]).toEqual([
      0,
      'usage: voms-proxy-init [options]',
    ])
    const version = await run(link, '-version')
    expect(version.text).toMatch(/^voms-proxy-init: vobox-proxy \d+\.\d+\.\d+\n/)
    const refused = await run(link, '-bogus')
    expect(refused.exitCode).toBe(1)
    expect(refused.text).toContain('voms-proxy-init: there is no option -bogus')
    expect(refused.text).toContain('-noregen')
  })
})

it('warns under the name that it was called by', async () => {
  const notAfter = Math.floor(Date.now() / 1000) + 10 * 86_400
  const ending = ca.issueUser('ending', { notAfter, key: 'rsa2048' })
  const { cert, key } = await writeCredentialPair(peers.directory, 'ending', ending)
  const words = ['-q', '-cert', cert, '-key', key, '-out', at('ending-proxy')]
  const { exitCode, text } = await run(join(COMPAT, 'grid-proxy-init'), ...words)
  expect([exitCode, text.trim().split('\n')[0]]).toEqual([
    0,
    expect.stringMatching(/^grid-proxy-init: warning: your certificate ends on /),
  ])
})

describeWithPrograms('the pass phrase on a terminal', ['script', 'stty'], () => {
  /** Runs proxy-init on a terminal of its own, types `keys` at the prompt, and returns all it showed. */
  function typed(keys: string, out: string) {
    const credential = ca.issueUser('typist', { key: 'rsa2048' })
    const { privateKey } = credential
    const cert = at('typist-cert.pem')
    const key = at('typist-key.pem')
    writeFileSync(cert, encodePem('CERTIFICATE', credential.chain[0]?.der ?? Buffer.alloc(0)))
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc' } as const
    writeFileSync(key, privateKey.export({ ...options, passphrase: PASS_PHRASE }))
    chmodSync(key, 0o600)
    const command = `${INIT} proxy-init --cert ${cert} --key ${key} --out ${out}; echo ended with $?; stty -a`
    // Types once the prompt is there: what comes before, a terminal echoes by itself.
    const shell = `{ until grep -q 'pass phrase' "$2" 2>/dev/null; do sleep 0.05; done; printf '%b' "$1"; sleep 0.3; } | script -qefc "$0" "$2"`
    const log = at(`typescript-${Math.random().toString(36).slice(2)}`)
    const { stdout } = spawnSync('sh', ['-c', shell, command, keys, log], {
      timeout: 30_000,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: peers.directory,
        X509_CERT_DIR: peers.trustDirectory,
      },
    })
    return stdout.toString()
  }

  it('is asked for by the name of the key, is not echoed, and can be corrected', () => {
    const out = at('typed')
    const shown = typed(`${PASS_PHRASE.slice(0, -2)}XY\\0177\\0177el\\r`, out)
    expect(shown).toContain(`Enter GRID pass phrase for ${at('typist-key.pem')}: \r\n`)
    expect(shown).toContain('ended with 0')
    for (const part of ['grün', 'wie', '42', 'pfel', 'XY']) {
      expect(shown.replaceAll(peers.directory, '').split('ended with')[0]).not.toContain(part)
    }
    expect(existsSync(out)).toBe(true)
  })

  it('leaves the terminal as it was, echo and all, after Ctrl-C too, and makes nothing then', () => {
    const out = at('interrupted')
    const shown = typed('gr\\0003', out)
    expect(shown).toContain('vobox-proxy: interrupted')
    expect(shown).toContain('ended with 1')
    expect(shown).toMatch(/ echo /)
    expect(shown).toMatch(/ icanon /)
    expect(existsSync(out)).toBe(false)
  })
})
