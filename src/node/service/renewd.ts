/**
 * `vobox-renewd VO ADMIN ROOT [status|stop]`: the Proxy Renewal Service of one VO as a process, in
 * the foreground. `bin/vobox-renewd` calls {@link main}.
 */
import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { checkAdminName, checkVoName } from '../../config/vo-name.js'
import { voPaths } from '../../config/vo-paths.js'
import { toVoboxError, VoboxError } from '../../errors.js'
import { EXIT, exitStatusOf } from '../../report/exit-status.js'
import { showFailure } from '../../report/failure.js'
import { hardenProcess } from '../cli/harden-process.js'
import { becomeAdmin } from '../compose/become-admin.js'
import { checkVoDirectory } from '../compose/become-owner.js'
import { nodeFiles } from '../ports/files.js'
import { PidFile } from './pid-file.js'
import { runService } from './run-service.js'
import { findService, pidFilesOf, type ServiceFacts } from './service-lock.js'
import { keepHeapSmall } from './small-heap.js'
import { stopService } from './stop-service.js'

const PROGRAM = 'vobox-renewd'
const USAGE = `usage: ${PROGRAM} VO ADMIN ROOT [status|stop]`

interface Arguments {
  vo: string
  admin: string
  root: string
  action: 'run' | 'status' | 'stop'
}

/**
 * Ends the process.
 *
 * @param words after the program's name.
 * @param home directory of the installation, which holds `package.json`.
 */
export async function main(words: readonly string[], _load?: unknown, home = '.'): Promise<void> {
  hardenProcess()
  if (words.length === 1 && /^(-h|--?help|--?version)$/.test(words[0] ?? '')) {
    process.stdout.write(`${words[0]?.endsWith('version') ? versionIn(home) : USAGE}\n`)
    return
  }
  keepHeapSmall()
  let status: number
  try {
    status = await perform(parseArguments(words))
  } catch (error) {
    const failure = toVoboxError(error)
    process.stderr.write(showFailure(PROGRAM, failure))
    status = exitStatusOf(failure.code)
  }
  // A key that is being made would otherwise hold the end up.
  process.exit(status)
}

function versionIn(home: string): string {
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  return `${PROGRAM} ${version}`
}

/** @throws VoboxError `USAGE`, `VO_NAME_INVALID`. */
export function parseArguments(words: readonly string[]): Arguments {
  const [vo, admin, root, action = 'run', ...rest] = words
  if (vo === undefined || admin === undefined || root === undefined || rest.length > 0) {
    throw new VoboxError('USAGE', 'a VO, its admin and the root of the VO directories are needed', {
      hint: USAGE,
    })
  }
  if (action !== 'run' && action !== 'status' && action !== 'stop') {
    throw new VoboxError('USAGE', `there is no action '${action}'`, {
      hint: USAGE,
      data: { action },
    })
  }
  if (!isAbsolute(root)) {
    throw new VoboxError('USAGE', `the root '${root}' is not an absolute path`, { hint: USAGE })
  }
  return { vo: checkVoName(vo), admin: checkAdminName(admin), root, action }
}

/** The exit status. */
async function perform({ vo, admin, root, action }: Arguments): Promise<number> {
  const { directory, serviceLock, serviceStatus } = voPaths(root, vo)
  const pidFiles = pidFilesOf(vo, directory)
  await checkVoDirectory(nodeFiles, directory)
  // Root opens what is root's now, and becomes the VO admin before it looks at what is theirs.
  const pidFile = PidFile.open(pidFiles, action === 'run' ? pidFiles.slice(0, 1) : [])
  const onlyLooks = action === 'status'
  const adminUid = await becomeAdmin(nodeFiles, directory, admin, { onlyLooks })
  const service: ServiceFacts = {
    vo,
    admin,
    adminUid,
    lockPath: serviceLock,
    pidFiles,
    statusFile: serviceStatus,
  }
  switch (action) {
    case 'status':
      return showStatus(service)
    case 'stop':
      return (await stopService(nodeFiles, service)) ? EXIT.ok : EXIT.failed
    case 'run':
      return runService({ service, root, pidFile, environment: process.env })
  }
}

async function showStatus(service: ServiceFacts): Promise<number> {
  const pid = await findService(nodeFiles, service)
  process.stdout.write(
    pid === undefined ? 'Service not running\n' : `Service running in pid ${pid}\n`,
  )
  return pid === undefined ? EXIT.failed : EXIT.ok
}
