/**
 * A VOMS server that follows its documents to the letter, in both forms, and breaks exactly what a
 * test tells it to. Its attribute certificates are real ones.
 *
 * The REST form takes the values of the query as they stand (nothing is decoded), says a warning
 * with status 500 beside a valid `<ac>`, and errors as `<error><code/><message/></error>`. The XML
 * form sends a dummy `<ac>` beside every error, and escapes nothing.
 */
import { onTestFinished } from 'vitest'
import { readPeerChain } from '../../src/gsi/peer-chain.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import type { VomsContext } from '../../src/voms/voms-context.js'
import type { VomsServer } from '../../src/voms/vomses.js'
import { VomsesFiles } from '../../src/voms/vomses-files.js'
import type { TestVoms } from './ac.js'
import { MemoryFiles } from './memory-files.js'
import { dialerWithNames, myproxyContext } from './myproxy-context.js'
import type { TestAuthority } from './pki.js'
import { type Conversation, type ScriptedPeer, startScriptedPeer } from './scripted-peer.js'

export type FormName = 'rest' | 'xml'

export interface ScriptedVomsOptions {
  /** What it speaks; Debian's closes the connection on REST. Default: both. */
  forms?: readonly FormName[]
  /** How REST answers end: with the connection, at the length that was told, or in chunks. */
  framing?: 'connection' | 'length' | 'chunked'
  /** Leave the connection open after an answer of known length. */
  keepAlive?: boolean
  /** What a user has, without `NULL` parts, by the common name; default: alice has the group, its role `lcgadmin` and `team`. */
  grants?: Readonly<Record<string, readonly string[]>>
  /** Reason, by common name, why somebody is suspended. */
  suspended?: Readonly<Record<string, string>>
  /** Default 24 h. */
  maxLifetimeSeconds?: number
  /** Leaves out what is not granted, as newer servers do, instead of refusing everything. */
  lenient?: boolean
  /** Default: what was asked for first. */
  order?: (fqans: string[]) => string[]
  /** Sent instead of any answer. */
  instead?: (form: FormName) => string | Buffer
  /** What becomes of an answer. */
  change?: (answer: Buffer, form: FormName) => Buffer
  /** Bytes after which the connection is cut. */
  cutAfter?: number
  /** Credential of the server instead of its own. */
  peer?: TestVoms['credential']
}

export interface ScriptedVoms {
  /** As a vomses line says it. */
  server: VomsServer
  peer: ScriptedPeer
  /** Requests as they arrived. */
  requests: string[]
}

/** Starts one that ends with the running test. */
export async function startScriptedVoms(
  voms: TestVoms,
  options: ScriptedVomsOptions = {},
): Promise<ScriptedVoms> {
  const requests: string[] = []
  const peer = await startScriptedPeer({
    credential: options.peer ?? voms.credential,
    script: (conversation) => serve(conversation, voms, options, requests),
  })
  onTestFinished(() => peer.stop())
  const dn = voms.certificate.subject.oneLine
  const server = { alias: voms.vo, host: voms.host, port: peer.port, dn, vo: voms.vo }
  return { server, peer, requests }
}

/** What a client needs: names of all hosts are 127.0.0.1, servers are tried in the order given. */
export async function scriptedVomsContext(
  ca: TestAuthority,
  servers: readonly VomsServer[],
  changes: Partial<VomsContext> = {},
): Promise<VomsContext> {
  const names = Object.fromEntries(servers.map(({ host }) => [host, ['127.0.0.1']]))
  const files = new MemoryFiles(systemClock)
  await files.replace('/etc/vomses', Buffer.from(servers.map(vomsesLine).join('')), { mode: 0o644 })
  return {
    ...myproxyContext(ca),
    dialer: dialerWithNames(names),
    // Of the servers that are left, always the last changes places with itself.
    random: { ...systemRandom, fraction: () => 0.999_999 },
    vomses: new VomsesFiles(files, systemClock, ['/etc/vomses']),
    ...changes,
  }
}

export function vomsesLine({ alias, host, port, dn, vo }: VomsServer): string {
  return `${[alias, host, port, dn, vo].map((field) => `"${field}"`).join(' ')}\n`
}

interface Asked {
  fqans: string[]
  lifetimeSeconds: number
}

interface Verdict {
  status: number
  ac?: Uint8Array
  warning?: string
  error?: { code: string; number: number; message: string }
}

async function serve(
  { stream, socket }: Conversation,
  voms: TestVoms,
  options: ScriptedVomsOptions,
  requests: string[],
): Promise<void> {
  const isWhole = (bytes: Buffer) => /\r\n\r\n$|<\/voms>$/.test(bytes.toString('latin1'))
  const request = (await stream.readToEnd(100_000, isWhole)).toString('latin1')
  requests.push(request)
  const form: FormName = request.startsWith('GET ') ? 'rest' : 'xml'
  if (!(options.forms ?? ['rest', 'xml']).includes(form)) return
  const holder = describeChain(readPeerChain(socket)).endEntity
  const asked = form === 'rest' ? readRest(request) : readXml(request)
  const verdict = judge(voms, holder, asked, options)
  const whole =
    options.instead?.(form) ?? (form === 'rest' ? restAnswer(verdict, options) : xmlAnswer(verdict))
  const answer = (options.change ?? ((bytes) => bytes))(Buffer.from(whole), form)
  await stream.write(answer.subarray(0, options.cutAfter))
  if (options.keepAlive === true) await new Promise((resolve) => socket.once('close', resolve))
}

/** The query, its values as they stand. */
function readRest(request: string): Asked {
  const query = /^GET \/generate-ac\?(\S*) HTTP\/1\.[01]\r\n/.exec(request)?.[1] ?? ''
  const values = new Map(
    query.split('&').map((pair): [string, string] => {
      const equals = pair.indexOf('=')
      return [pair.slice(0, equals), pair.slice(equals + 1)]
    }),
  )
  return {
    fqans: (values.get('fqans') ?? '').split(','),
    lifetimeSeconds: Number(values.get('lifetime')),
  }
}

function readXml(request: string): Asked {
  const commands = [...request.matchAll(/<command>([^<]*)<\/command>/g)].map(([, text = '']) => {
    const [group = '', role] = text.slice(1).split(':')
    return text.startsWith('B') ? `${group}/Role=${role}` : group
  })
  return {
    fqans: commands,
    lifetimeSeconds: Number(/<lifetime>(\d+)<\/lifetime>/.exec(request)?.[1]),
  }
}

function judge(
  voms: TestVoms,
  holder: Parameters<TestVoms['grant']>[0] & { subject: { oneLine: string } },
  { fqans, lifetimeSeconds }: Asked,
  options: ScriptedVomsOptions,
): Verdict {
  const { vo } = voms
  const name = /CN=([^/]*)/.exec(holder.subject.oneLine)?.[1] ?? ''
  const reason = options.suspended?.[name]
  if (reason !== undefined) {
    const message = `User is currently suspended!\nSuspension reason: ${reason}`
    return { status: 403, error: { code: 'SuspendedUser', number: 1004, message } }
  }
  const grants = options.grants ?? { alice: [`/${vo}`, `/${vo}/Role=lcgadmin`, `/${vo}/team`] }
  const granted = grants[name]
  if (granted === undefined) {
    const message = `${vo}: User unknown to this VO.`
    return { status: 403, error: { code: 'NoSuchUser', number: 1001, message } }
  }
  const refused = fqans.find((fqan) => !granted.includes(fqan))
  const given = fqans.filter((fqan) => granted.includes(fqan))
  if ((refused !== undefined && options.lenient !== true) || given.length === 0) {
    const message = `${vo}: Unable to satisfy ${refused} request!`
    return { status: 400, error: { code: 'BadRequest', number: 1001, message } }
  }
  // Groups come with whatever was asked for.
  const groups = granted.filter((fqan) => !fqan.includes('/Role=') && !given.includes(fqan))
  const ordered = (options.order ?? ((list) => list))([...given, ...groups])
  const max = options.maxLifetimeSeconds ?? 86_400
  const hours = Math.min(lifetimeSeconds, max) / 3600
  const full = ordered.map((fqan) => (fqan.includes('/Role=') ? fqan : `${fqan}/Role=NULL`))
  const ac = voms.grant(holder, { hours, fqans: full.map((fqan) => `${fqan}/Capability=NULL`) })
  if (lifetimeSeconds <= max) return { status: 200, ac }
  const warning = `${voms.host}: The validity of this VOMS AC in your proxy is shortened to ${max} seconds!`
  return { status: 500, ac, warning }
}

function restAnswer({ status, ac, warning, error }: Verdict, options: ScriptedVomsOptions): Buffer {
  const body = Buffer.from(
    [
      '<?xml version="1.0" encoding="UTF-8"?><voms>',
      ac === undefined ? '' : `<ac>${Buffer.from(ac).toString('base64')}</ac>`,
      warning === undefined ? '' : `<warning>${warning}</warning>`,
      error && `<error><code>${error.code}</code><message>${error.message}</message></error>`,
      '</voms>',
    ].join(''),
  )
  const { framing = 'connection' } = options
  const fields = {
    connection: [],
    length: [`Content-Length: ${body.length}`],
    chunked: ['Transfer-Encoding: chunked'],
  }[framing]
  const version = framing === 'connection' ? '1.0' : '1.1'
  const head = [`HTTP/${version} ${status} Whatever`, 'Content-Type: text/xml', ...fields]
  const sent = framing === 'chunked' ? chunked(body) : body
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), sent])
}

function chunked(body: Buffer): Buffer {
  const middle = Math.floor(body.length / 2)
  const parts = [body.subarray(0, middle), body.subarray(middle), Buffer.alloc(0)]
  return Buffer.concat(
    parts.flatMap((part) => [
      Buffer.from(`${part.length.toString(16)}\r\n`),
      part,
      Buffer.from('\r\n'),
    ]),
  )
}

function xmlAnswer({ ac, warning, error }: Verdict): Buffer {
  const [number, message] = error === undefined ? [2, warning] : [error.number, error.message]
  const item = `<error><item><number>${number}</number><message>${message}</message></item></error>`
  const base64 = ac === undefined ? 'QQ==\n' : Buffer.from(ac).toString('base64')
  return Buffer.from(
    [
      '<?xml version="1.0" encoding = "US-ASCII"?><vomsans><version>3</version>',
      message === undefined ? '' : item,
      `<ac>${base64}</ac></vomsans>`,
    ].join(''),
  )
}
