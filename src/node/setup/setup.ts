/**
 * `vobox-proxy setup`: makes of an installed package the service of a VO, or takes that away again.
 *
 * Whatever is right already is left alone, so that it may be called as often as one likes.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { DEFAULT_CONFIG_FILE } from '../../config/config-file.js'
import { checkVoName } from '../../config/vo-name.js'
import { printable, VoboxError } from '../../errors.js'
import { isRoot } from '../compose/become-owner.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { requireRootOnly } from '../compose/root-only.js'
import { nodeFiles } from '../ports/files.js'
import { minuteOf } from './host-minute.js'
import { RootTree } from './root-tree.js'
import {
  disableUnits,
  enableScript,
  enableUnits,
  forgetUnits,
  type Place,
  removeLinks,
  stopScript,
  systemdRuns,
} from './service-manager.js'
import { accountOf } from './setup-account.js'
import {
  commonFiles,
  cronFile,
  cronFiles,
  DEFAULT_ROOT,
  initScript,
  logrotateFile,
  type SetupNames,
  settingsFile,
  systemdFiles,
  systemdPaths,
} from './setup-files.js'
import type { SetupRequest, SetupResult } from './setup-request.js'
import { makeVoDirectory, workInside } from './vo-tree.js'

/** It stands in units, in crontabs and in shell scripts. */
const PLAIN_PATH = /^\/[-_.A-Za-z0-9/]*$/

/**
 * @throws VoboxError `NOT_PERMITTED` unless root calls, for an account that is not there, and for a VO
 *   directory that is somebody else's; `VO_NAME_INVALID`; `USAGE`; `FILE_UNSAFE` where others than root
 *   can change something on the way; `SETUP_STEP_FAILED`.
 */
export async function setUp(request: SetupRequest): Promise<SetupResult> {
  const vo = checkVoName(request.vo)
  if (!isRoot()) {
    throw new VoboxError('NOT_PERMITTED', 'only root may set a VO up', {
      hint: 'sudo vobox-proxy setup …',
      data: { vo },
    })
  }
  const prefix = request.prefix === undefined ? '' : resolve(request.prefix).replace(/\/$/, '')
  const root = plainPath('root', request.root ?? (await configuredRoot(request, prefix)))
  plainPath('prefix', prefix || '/')
  const tree = new RootTree(nodeFiles, request.dryRun ?? false, request.onStep)
  const work = { request, tree, place: { prefix, vo }, root }
  if (request.remove) await takeAway(work)
  else await putInPlace(work)
  return {
    vo,
    admin: request.admin ?? null,
    directory: join(prefix, root, vo),
    dryRun: request.dryRun ?? false,
    steps: tree.steps,
    advice: request.jobs && !request.remove ? await jobsAdvice(request, prefix) : [],
  }
}

interface Work {
  request: SetupRequest
  tree: RootTree
  place: Place
  root: string
}

async function putInPlace({ request, tree, place, root }: Work): Promise<void> {
  const { prefix, vo } = place
  const { start = true } = request
  if (request.admin === undefined) {
    throw new VoboxError('USAGE', 'setup needs --admin', {
      hint: 'Name the account that is to own the VO directory',
    })
  }
  const admin = accountOf(request.admin)
  const { jobs = false } = request
  const programs = programsOf(request, prefix)
  const names = { vo, admin, root, jobs, minute: minuteOfHost(), programs }
  const directory = join(prefix, root, vo)
  await makeVoDirectory(tree, nodeFiles, directory, admin)
  await prepareInside(request, tree, directory, `${admin.name}:${admin.group}`)
  const template = templatesOf(request.home)
  await writeFiles(tree, prefix, commonFiles(names, template))
  const manager = request.manager ?? (systemdRuns() ? 'systemd' : 'sysv')
  if (manager === 'systemd') {
    await tree.removeFile(join(prefix, cronFile(vo)))
    const changed = await writeFiles(tree, prefix, unitsFor(names, request.home, prefix))
    if (start) await enableUnits(tree, place, changed)
    return
  }
  await removeUnits(tree, place, start)
  await writeFiles(tree, prefix, cronFiles(names, template))
  if (start) await enableScript(tree, place)
}

async function removeUnits(tree: RootTree, place: Place, reload = true): Promise<void> {
  await disableUnits(tree, place)
  let removed = false
  for (const path of systemdPaths(place.vo)) {
    removed = (await tree.removeFile(join(place.prefix, path))) || removed
  }
  if (removed && reload) await forgetUnits(tree, place)
}

async function prepareInside(
  { program, dryRun = false }: SetupRequest,
  tree: RootTree,
  directory: string,
  owner: string,
): Promise<void> {
  if (!existsSync(directory)) return
  const made = await workInside(program, directory, dryRun ? 'rehearse' : 'make')
  // It is done already; what is left is to say so.
  for (const path of made) await tree.step('make', path, owner, () => undefined)
}

function unitsFor(names: SetupNames, home: string, prefix: string) {
  const brought = (unit: string) =>
    ['/usr/lib/systemd/system', '/lib/systemd/system'].some((directory) =>
      existsSync(join(prefix, directory, unit)),
    )
  return systemdFiles(names, templatesOf(home), brought)
}

/** @returns whether any was written. */
async function writeFiles(
  tree: RootTree,
  prefix: string,
  files: ReturnType<typeof commonFiles>,
): Promise<boolean> {
  let changed = false
  for (const file of files) {
    changed = (await tree.file({ ...file, path: join(prefix, file.path) })) || changed
  }
  return changed
}

async function takeAway({ request, tree, place, root }: Work): Promise<void> {
  const { prefix, vo } = place
  await stopScript(tree, place)
  await removeUnits(tree, place)
  for (const path of [initScript, cronFile, logrotateFile, settingsFile]) {
    await tree.removeFile(join(prefix, path(vo)))
  }
  await removeLinks(tree, place)
  const directory = join(prefix, root, vo)
  if (!request.purge || !existsSync(directory)) return
  // With the VO admin's rights what is inside, with root's the empty directory.
  if (!request.dryRun) await workInside(request.program, directory, 'empty')
  await tree.removeEmptyDirectory(directory)
}

async function configuredRoot(
  { environment, configFile }: SetupRequest,
  prefix: string,
): Promise<string> {
  if (prefix !== '') return DEFAULT_ROOT
  return (await readEffectiveConfig(nodeFiles, environment, 0, configFile)).root
}

/** The configuration is the site's: it is never changed. */
async function jobsAdvice(
  { vo, environment, configFile = DEFAULT_CONFIG_FILE }: SetupRequest,
  prefix: string,
): Promise<string[]> {
  const read =
    prefix === '' ? await readEffectiveConfig(nodeFiles, environment, 0, configFile) : undefined
  const restart = `${initScript(vo)} restart`
  if (read?.jobs.enabled) return [`jobs are served once the service has been restarted: ${restart}`]
  return [
    `to serve jobs, set this in ${configFile}, then run ${restart}`,
    '[jobs]',
    'enabled = true',
    '# and where clients of the C library connect, to /tmp/dgpr_renew_UID:',
    'legacy_path = true',
  ]
}

function plainPath(option: string, path: string): string {
  if (PLAIN_PATH.test(path) && resolve(path) === path) return path
  throw new VoboxError(
    'USAGE',
    `--${option}: '${printable(path, 100)}' is no path that can be used`,
    {
      hint: 'Name an absolute path of letters, digits, dots, dashes and underscores',
      data: { option, path },
    },
  )
}

/** The minute belongs to the machine, however often it is set up. */
function minuteOfHost(): number {
  let machine = ''
  try {
    machine = readFileSync('/etc/machine-id', 'utf8').trim()
  } catch {
    // Not every system has one; its name does as well.
  }
  return minuteOf(machine, hostname())
}

function templatesOf(home: string): (name: string) => string {
  return (name) => readFileSync(join(home, name), 'utf8')
}

/**
 * The programs as root's cron and init script are to call them: by the link that the package made,
 * which stays the same whatever is installed behind it, else where they are.
 */
function programsOf({ home }: SetupRequest, prefix: string): SetupNames['programs'] {
  const find = (program: string) => {
    const own = join(home, 'bin', program)
    requireRootOnly(own)
    const linked = ['/usr/bin', '/usr/local/bin']
      .map((directory) => join(directory, program))
      .find((path) => leadsTo(join(prefix, path), own))
    const path = linked ?? (own.startsWith(`${prefix}/`) ? own.slice(prefix.length) : own)
    return plainPath(basename(path), path)
  }
  return { vobox: find('vobox-proxy'), renewd: find('vobox-renewd') }
}

function leadsTo(link: string, target: string): boolean {
  return existsSync(link) && realpathSync(link) === realpathSync(target)
}
