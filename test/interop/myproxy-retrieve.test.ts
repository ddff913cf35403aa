/** `myproxy retrieve` and `get-trustroots` against Debian's `myproxy-server`. */
import { createPublicKey } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RetrieveOptions, retrieveCredential } from '../../src/node/myproxy/retrieve.js'
import { fetchTrustRoots } from '../../src/node/myproxy/trust-roots.js'
import { nameHash } from '../../src/x509/name.js'
import { type BothWaysGrid, required } from '../support/both-ways-grid.js'
import { rejectionOf } from '../support/failure.js'
import {
  FETCHING_PROGRAMS,
  type FetchingGrid,
  PASS_PHRASE,
  startFetching,
} from '../support/fetching-grid.js'
import { realNow } from '../support/pki.js'
import { makeCrl } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'

const HOME = join(import.meta.dirname, '..', '..')

describeWithPrograms('fetching files from a MyProxy server', FETCHING_PROGRAMS, () => {
  let fetching: FetchingGrid
  let both: BothWaysGrid
  let environment: Record<string, string>
  beforeAll(async () => {
    fetching = await startFetching()
    both = fetching.both
    environment = fetching.environment
  }, 60_000)
  afterAll(() => both?.grid.stop())

  const at = (name: string) => fetching.at(name)
  const open: FetchingGrid['open'] = (...words) => fetching.open(...words)

  describe('retrieve', () => {
    const options = (changes: Partial<RetrieveOptions> = {}): RetrieveOptions => ({
      open,
      environment: { ...environment, X509_USER_PROXY: both.files.alice },
      username: 'files',
      certificateFile: at('retrieved/usercert.pem'),
      keyFile: at('retrieved/userkey.pem'),
      passPhrase: async () => Buffer.from(PASS_PHRASE),
      keyPassPhrase: async () => Buffer.from('none'),
      ...changes,
    })

    it('writes the certificate, and the key 0600 with its pass phrase, for grid-proxy-init', async () => {
      const result = await retrieveCredential(options())
      const { certificateFile, keyFile, keyEncrypted, identity, kept } = result
      expect([keyEncrypted, identity, kept]).toEqual([true, both.grid.users.alice.dn, []])
      expect([lstatSync(keyFile).mode & 0o777, lstatSync(certificateFile).mode & 0o777]).toEqual([
        0o600, 0o644,
      ])
      expect(readFileSync(keyFile, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
      const words = [
        '-pwstdin',
        '-cert',
        certificateFile,
        '-key',
        keyFile,
        '-out',
        at('from-files'),
      ]
      required(await both.grid.run('grid-proxy-init', words, { input: `${PASS_PHRASE}\n` }))
    })

    it('overwrites neither without being told, and then keeps both', async () => {
      const { certificateFile = '', keyFile = '' } = options()
      const before = readFileSync(keyFile, 'utf8')
      const failure = await rejectionOf(retrieveCredential(options()))
      expect([failure.code, failure.data]).toEqual([
        'FILE_UNSAFE',
        { path: certificateFile, reason: 'exists' },
      ])
      const { kept } = await retrieveCredential(options({ force: true, plainKey: true }))
      expect(kept).toEqual([`${certificateFile}.old`, `${keyFile}.old`])
      expect(readFileSync(`${keyFile}.old`, 'utf8')).toBe(before)
      expect(readFileSync(keyFile, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
      const again = await retrieveCredential(options({ force: true }))
      expect(again.kept).toEqual([`${certificateFile}.old.1`, `${keyFile}.old.1`])
      expect(readFileSync(`${keyFile}.old`, 'utf8')).toBe(before)
    })

    it('is the C tool by its name: the same words, and the key without its pass phrase', async () => {
      const fetched = async (program: string, name: string) => {
        const [cert, key] = [at(`${name}.cert`), at(`${name}.key`)]
        const words = ['-S', '-l', 'files', '-c', cert, '-y', key]
        const said = required(
          await both.grid.run(program, words, {
            ...{ proxy: both.files.alice, input: `${PASS_PHRASE}\n` },
            env: { VOBOX_PROXY_CONFIG: environment.VOBOX_PROXY_CONFIG ?? '' },
          }),
        )
        const spki = createPublicKey(readFileSync(key)).export({ type: 'spki', format: 'pem' })
        return [said.stdout.replaceAll(name, 'NAME'), readFileSync(cert, 'utf8').trim(), spki]
      }
      const ours = await fetched(join(HOME, 'compat', 'myproxy-retrieve'), 'by-ours')
      expect(ours).toEqual(await fetched('myproxy-retrieve', 'by-theirs'))
    })

    it.each<[string, string, Partial<RetrieveOptions>]>([
      [
        'a wrong pass phrase',
        'MYPROXY_PASS_PHRASE_WRONG',
        { passPhrase: async () => Buffer.from('wrong one') },
      ],
      [
        'a stored proxy whose key nobody may have',
        'MYPROXY_NOT_AUTHORISED_RETRIEVER',
        { username: 'anna' },
      ],
    ])('writes nothing for %s', async (_what, code, changes) => {
      const places = { certificateFile: at('none/cert.pem'), keyFile: at('none/key.pem') }
      const failure = await rejectionOf(retrieveCredential(options({ ...places, ...changes })))
      expect(failure.code).toBe(code)
      expect([existsSync(places.certificateFile), existsSync(places.keyFile)]).toEqual([
        false,
        false,
      ])
    })
  })

  describe('get-trustroots', () => {
    const into = (directory: string, bootstrap = false) => {
      const env = { ...environment, X509_CERT_DIR: directory }
      return fetchTrustRoots({ open: () => open({}, env), environment: env, bootstrap })
    }

    it('refuses a server whose CA is not known, and says how to take it all the same', async () => {
      await mkdir(at('empty'), { mode: 0o755 })
      const failure = await rejectionOf(into(at('empty')))
      expect(failure.code).toBe('ALL_SERVERS_FAILED')
      expect(failure.hint).toContain('--bootstrap takes the CA from the server itself')
    })

    it('does not speak of that where no server answers', async () => {
      const failure = await rejectionOf(
        fetchTrustRoots({ open: () => open({ servers: 'localhost:9' }), environment }),
      )
      expect(failure.code).toBe('ALL_SERVERS_FAILED')
      expect(failure.hint).not.toContain('--bootstrap')
    })

    it('takes it with -b, shows its fingerprint, and the C tool believes what was installed', async () => {
      const { certificate, name } = both.grid.ca
      const vouchedBy = { subject: name.oneLine, fingerprint: certificate.fingerprintSha256 }
      const got = await into(at('boot'), true)
      expect(got).toMatchObject({ directory: at('boot'), vouchedBy, refused: [], replaced: [] })
      expect(got.newAuthorities).toEqual([{ ...vouchedBy, notAfter: certificate.notAfter }])
      expect(got.added).toContain(`${nameHash(name)}.signing_policy`)
      const env = { X509_CERT_DIR: at('boot') }
      const words = ['-S', '-l', 'anna', '-o', at('c-after-boot')]
      required(await both.grid.run('myproxy-logon', words, { env, input: PASS_PHRASE }))
      const again = await into(at('boot'))
      expect([again.added, again.replaced, again.newAuthorities]).toEqual([[], [], []])
      expect(again.unchanged).toEqual(got.added)
    })

    it('judges with -b too, once it knows the CA, and speaks of no fingerprint any more', async () => {
      await into(at('known'), true)
      const again = await into(at('known'), true)
      expect([again.vouchedBy, again.newAuthorities]).toEqual([undefined, []])
      const over = { thisUpdate: realNow() - 86_400, nextUpdate: realNow() - 3600 }
      const crl = makeCrl(both.grid.ca, over)
      const list = `${nameHash(both.grid.ca.name)}.r0`
      writeFileSync(join(at('known'), list), crl)
      const failure = await rejectionOf(into(at('known'), true))
      expect(failure.code).toBe('ALL_SERVERS_FAILED')
      expect(failure.cause).toMatchObject({ data: { reason: 'CRL_EXPIRED' } })
      expect(readFileSync(join(at('known'), list))).toEqual(Buffer.from(crl))
    })

    it('installs the same files as the C tool does', async () => {
      required(
        await both.grid.run('myproxy-get-trustroots', ['-b'], {
          env: { X509_CERT_DIR: at('c-roots') },
        }),
      )
      const got = await into(at('own-roots'), true)
      for (const name of got.added) {
        expect(readFileSync(join(at('own-roots'), name))).toEqual(
          readFileSync(join(at('c-roots'), name)),
        )
      }
    })
  })
})
