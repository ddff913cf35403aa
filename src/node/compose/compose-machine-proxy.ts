/**
 * Making the machine proxy: root reads the host key and signs in memory; a process of the VO admin
 * writes the file, so that root touches nothing in the VO admin's directories.
 */
import { spawn } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { checkAdminName } from '../../config/vo-name.js'
import { voPaths } from '../../config/vo-paths.js'
import { type ErrorCode, isVoboxError, printable, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { describeChain } from '../../proxy/chain-facts.js'
import { type Credential, encodeCredential, parseSplitCredential } from '../../proxy/credential.js'
import { makeMachineProxy } from '../../proxy/machine-proxy.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { KeyPool } from '../ports/key-pool.js'
import { systemRandom } from '../ports/random.js'
import { uidOfAccount } from './become-admin.js'
import { checkVoDirectory, isRoot, ownerHint } from './become-owner.js'
import { readEffectiveConfig } from './compose-config.js'
import { currentUid } from './compose-login.js'
import { chooseVoDirectory } from './compose-vo.js'
import { requireRootOnly } from './root-only.js'

export interface MachineProxyOptions {
  /** Absent: the only VO that has a directory. Ignored with `out`. */
  vo?: string | undefined
  configFile?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
  /** Default: the host's, in `/etc/grid-security`. */
  certificateFile?: string | undefined
  keyFile?: string | undefined
  /** Lifetime in hours; default 24. */
  hours?: number | undefined
  /** Account that the file must end up with; default: the owner of the directory. */
  owner?: string | undefined
  /** Default: where the service of the VO looks for it. */
  out?: string | undefined
  /** Command line that runs {@link writeMachineProxy} in another process; needed by root. */
  writer: readonly string[]
  /** How long that may take, in milliseconds; default 60,000. */
  writerMs?: number
  signal?: AbortSignal | undefined
}

export interface MadeMachineProxy {
  file: string
  /** DN that MyProxy servers must accept as a renewer. */
  identity: string
  end: UnixSeconds
  /** By how much the host certificate's own end cut the lifetime, in seconds. */
  shortenedBySeconds: number
}

export const HOST_CERTIFICATE = '/etc/grid-security/hostcert.pem'
export const HOST_KEY = '/etc/grid-security/hostkey.pem'
const MAX_BYTES = 512 * 1024
const MODE = 0o400
/** The writer runs as the VO admin, who can stop it: cron and the boot must not wait for them. */
const WRITER_MS = 60_000
const MAX_SAID_BYTES = 64 * 1024

/**
 * Makes a machine proxy and puts it in its place.
 *
 * @throws VoboxError `FILE_UNSAFE` for a key that others can read; what `makeMachineProxy` says;
 *   `NOT_PERMITTED` when the directory is not the owner's; `FILE_UNWRITABLE`.
 */
export async function placeMachineProxy(options: MachineProxyOptions): Promise<MadeMachineProxy> {
  const config = await readEffectiveConfig(
    nodeFiles,
    options.environment,
    currentUid(),
    options.configFile,
  )
  const file = await placeFor(options, config.root)
  await checkOwner(dirname(file), options.owner)
  const { keyFile = HOST_KEY, certificateFile = HOST_CERTIFICATE, hours, signal } = options
  const hostCredential = await readHostCredential(certificateFile, keyFile)
  const keys = new KeyPool({ kind: config.keys.kind, size: 0 })
  const made = await makeMachineProxy({
    hostCredential,
    keyKind: config.keys.kind,
    keys,
    clock: systemClock,
    random: systemRandom,
    ...(hours !== undefined && { hours }),
    ...(signal && { signal }),
  })
  await write(file, made, options)
  const identity = describeChain(made.chain).identity.oneLine
  return { file, identity, end: made.end, shortenedBySeconds: made.shortenedBySeconds }
}

async function placeFor({ out, vo }: MachineProxyOptions, root: string): Promise<string> {
  if (out !== undefined) return resolve(out)
  return voPaths(root, (await chooseVoDirectory(nodeFiles, root, vo)).vo).machineProxy
}

/** Before any key is read: who would own the file, and is that who was meant? */
async function checkOwner(directory: string, owner: string | undefined): Promise<void> {
  const { uid } = await checkVoDirectory(nodeFiles, directory)
  if (!isRoot() && uid !== currentUid()) {
    throw new VoboxError('NOT_PERMITTED', `only root and its owner may write to ${directory}`, {
      hint: 'Call it as root, or name another file with --out',
      data: { directory, uid },
    })
  }
  if (owner === undefined || uidOfAccount(checkAdminName(owner)) === uid) return
  throw new VoboxError('NOT_PERMITTED', `${directory} does not belong to ${owner}`, {
    hint: ownerHint(owner, uid, directory),
    data: { directory, owner, uid },
  })
}

async function readHostCredential(certificateFile: string, keyFile: string): Promise<Credential> {
  const certificate = await readHostFile(certificateFile, 0o022)
  const key = await readHostFile(keyFile, 0o077)
  try {
    return parseSplitCredential(certificate, key)
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const { code, hint, data, message } = error
    const which = `${printable(certificateFile)} and ${printable(keyFile)}`
    throw new VoboxError(code, `${which}: ${message}`, { hint, data, cause: error })
  }
}

/** Certificate managers like to link these; the way there must be root's alone when root reads. */
export async function readHostFile(path: string, forbiddenMode: number): Promise<Buffer> {
  const file = resolve(path)
  if (isRoot()) requireRootOnly(file)
  const owners = [0, currentUid()]
  const rules = { maxBytes: MAX_BYTES, owners, forbiddenMode, followLinks: true }
  return (await nodeFiles.read(file, rules)).bytes
}

async function write(
  file: string,
  credential: Credential,
  { writer, writerMs = WRITER_MS }: MachineProxyOptions,
): Promise<void> {
  const bytes = encodeCredential(credential)
  if (isRoot()) await pipeToWriter([...writer, `--out=${file}`], bytes, writerMs)
  else await nodeFiles.replace(file, bytes, { mode: MODE })
}

/** Runs the writer with a clean environment; its failure, JSON on stderr, becomes ours. */
function pipeToWriter(
  [program = '', ...words]: string[],
  bytes: Buffer,
  deadlineMs: number,
): Promise<void> {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(program, [...words, '--json'], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      if (said.length < MAX_SAID_BYTES) said += chunk.toString('utf8')
    })
    child.stdin.on('error', () => undefined)
    child.on('error', reject)
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      // Whatever else holds these pipes open must not keep us.
      child.stdin.destroy()
      child.stderr.destroy()
      reject(writerTooSlow(deadlineMs))
    }, deadlineMs)
    child.on('close', (status) => {
      clearTimeout(timer)
      if (status === 0) resolvePromise()
      else reject(failureOfWriter(said))
    })
    child.stdin.end(bytes)
  })
}

function writerTooSlow(deadlineMs: number): VoboxError {
  const seconds = deadlineMs / 1000
  return new VoboxError(
    'DEADLINE_EXCEEDED',
    `the machine proxy was not written within ${seconds} s`,
    { hint: 'Is the VO directory on a file system that hangs?', data: { deadlineMs } },
  )
}

function failureOfWriter(said: string): VoboxError {
  try {
    const { code, message, hint, data } = JSON.parse(said).error
    return new VoboxError(code as ErrorCode, message, { hint, data })
  } catch (cause) {
    const text = printable(said.trim()) || 'it said nothing'
    return new VoboxError('FILE_UNWRITABLE', `the machine proxy was not written: ${text}`, {
      cause,
    })
  }
}
