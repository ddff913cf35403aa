/**
 * The VO directory. Root makes it, in a directory of root's, and gives it to the VO admin; what is
 * inside is made, looked at and removed by a process with the VO admin's uid, gid and groups.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type ErrorCode, printable, VoboxError } from '../../errors.js'
import type { FileFacts, Files } from '../../ports/files.js'
import { checkVoDirectory, ownerHint } from '../compose/become-owner.js'
import { fileError } from '../ports/file-errors.js'
import type { RootTree } from './root-tree.js'
import type { Account } from './setup-account.js'

const VO_MODE = 0o750

/** On a file system that hangs the setup must end all the same, in milliseconds. */
const INSIDE_MS = 60_000
const MAX_SAID_BYTES = 1024 * 1024

/** What is to be done inside the VO directory. */
export type InsideTask = 'make' | 'rehearse' | 'empty'

/**
 * Makes the VO directory, 0750, unless it is there.
 *
 * @throws VoboxError `NOT_PERMITTED` where it is somebody else's; `VO_DIRECTORY_UNSAFE` where it is no
 *   directory, or others can write it; `FILE_UNSAFE` where the root is not root's.
 */
export async function makeVoDirectory(
  tree: RootTree,
  files: Files,
  directory: string,
  admin: Account,
): Promise<void> {
  await tree.directory(dirname(directory))
  if ((await files.facts(directory)) !== undefined) {
    requireOwner(await checkVoDirectory(files, directory), directory, admin)
    return
  }
  const detail = `${admin.name}:${admin.group}, 0750`
  await tree.step('make', directory, detail, () => makeFor(directory, admin))
}

function requireOwner({ uid }: FileFacts, directory: string, { name, uid: adminUid }: Account) {
  if (uid === adminUid) return
  throw new VoboxError('NOT_PERMITTED', `${printable(directory)} does not belong to ${name}`, {
    hint: ownerHint(name, uid, directory),
    data: { directory, admin: name, adminUid, owner: uid },
  })
}

/** Nobody else can enter it until it is as it shall be. */
async function makeFor(directory: string, { uid, gid }: Account): Promise<void> {
  try {
    await mkdir(directory, 0o700)
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
    const handle = await open(directory, flags)
    try {
      await handle.chmod(VO_MODE)
      await handle.chown(uid, gid)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw fileError(error, directory, 'write')
  }
}

/**
 * Has a process of the VO admin's do something inside.
 *
 * @param program command line that runs `vobox-proxy`.
 * @returns paths that were made or removed, or would be.
 * @throws VoboxError as that process failed; `DEADLINE_EXCEEDED`.
 */
export async function workInside(
  program: readonly string[],
  directory: string,
  task: InsideTask,
): Promise<string[]> {
  const words = ['write-vo-directory', `--out=${directory}`, `--task=${task}`, '--json']
  const { status, out, said } = await run([...program, ...words], directory)
  if (status === 0) return JSON.parse(out)
  throw failureOf(said, directory)
}

interface Ended {
  status: number | null
  out: string
  said: string
}

function run([command = '', ...words]: string[], directory: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const texts = { out: '', said: '' }
    const collect = (name: keyof typeof texts) => (chunk: Buffer) => {
      if (texts[name].length < MAX_SAID_BYTES) texts[name] += chunk.toString('utf8')
    }
    child.stdout.on('data', collect('out'))
    child.stderr.on('data', collect('said'))
    child.on('error', reject)
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      child.stdout.destroy()
      child.stderr.destroy()
      reject(tooSlow(directory))
    }, INSIDE_MS)
    child.on('close', (status) => {
      clearTimeout(timer)
      resolve({ status, ...texts })
    })
  })
}

function tooSlow(directory: string): VoboxError {
  const message = `nothing was done in ${printable(directory)} within ${INSIDE_MS / 1000} s`
  return new VoboxError('DEADLINE_EXCEEDED', message, {
    hint: 'Is it on a file system that hangs?',
    data: { directory, deadlineMs: INSIDE_MS },
  })
}

function failureOf(said: string, directory: string): VoboxError {
  try {
    const { code, message, hint, data } = JSON.parse(said).error
    return new VoboxError(code as ErrorCode, message, { hint, data })
  } catch (cause) {
    const text = printable(said.trim()) || 'it said nothing'
    return new VoboxError('FILE_UNWRITABLE', `${printable(directory)} was not prepared: ${text}`, {
      data: { directory },
      cause,
    })
  }
}
