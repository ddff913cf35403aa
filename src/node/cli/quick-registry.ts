/** Quick answers about what is registered: one line of the registry, one or two small files. */
import { type VoPaths, voPaths } from '../../config/vo-paths.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { findRegistrations } from '../../registry/find-registrations.js'
import type { Registration } from '../../registry/registration.js'
import { RegistrationFiles } from '../../registry/registration-files.js'
import { checkEntries, parseRegistry } from '../../registry/registry-codec.js'
import type { AttributeJudge } from '../../renewal/query/look-at-attributes.js'
import type { QuerySources } from '../../renewal/query/query-blocks.js'
import { EVERY_DN, selectRegistrations, type Wanted } from '../../renewal/query/query-selection.js'
import { ProxyRepository } from '../../repository/proxy-repository.js'
import { becomeVoOwner } from '../compose/become-owner.js'
import { answer, isAnswerCommand } from '../compose/compose-answer.js'
import { readQuickConfig } from '../compose/compose-config.js'
import {
  currentUid,
  loginIdentity,
  placeOfLoginProxy,
  voOfLogin,
} from '../compose/compose-login.js'
import { chooseVoDirectory } from '../compose/compose-vo.js'
import { mailTroubleOf } from '../compose/mail-trouble.js'
import type { CommandLine } from './launcher.js'
import { quickFiles } from './quick-disk.js'

/** As the registry's own reader has it, for a file that a caller's loop waits for. */
const REGISTRY_RULES = { maxBytes: 256 * 1024 * 1024, forbiddenMode: 0o022 }

export interface QuickQuestion {
  line: CommandLine
  environment: Readonly<Record<string, string | undefined>>
  /** Rounded up. */
  now: UnixSeconds
}

/** What the command prints; undefined, or a failure: only the long way can tell. */
export async function answerFromRegistry(question: QuickQuestion): Promise<string | undefined> {
  const { line, environment } = question
  if (!isAnswerCommand(line.command)) return undefined
  const { root, mail } = await readQuickConfig(quickFiles, environment, currentUid())
  const place = placeOfLoginProxy(environment, currentUid())
  const ofLogin = () => voOfLogin(quickFiles, place)
  const directory = await chooseVoDirectory(quickFiles, root, line.options.get('vo')?.[0], ofLogin)
  await becomeVoOwner(quickFiles, directory.path)
  const wanted = wantedBy(line, directory.vo)
  const login = async () => loginIdentity(quickFiles, place)
  const paths = voPaths(root, directory.vo)
  const chosen = await chooseRegistrations(paths, wanted, login)
  if (chosen === undefined) return undefined
  // Said by the command itself, on stderr.
  if (line.command === 'query' && mailTroubleOf(mail, chosen) !== undefined) return undefined

  const { text, problems } = await answer(
    sourcesOf(paths, directory.uid, question),
    line.command,
    chosen,
  )
  return problems.length > 0 ? undefined : text
}

/** `env` is for services, which have no login proxy: without `--dn` any registration will do. */
function wantedBy(line: CommandLine, vo: string): Wanted {
  const dn = line.options.get('dn')?.[0] ?? (line.command === 'env' ? EVERY_DN : undefined)
  return { vo, dn, voms: line.options.get('voms') ?? [] }
}

async function chooseRegistrations(
  { registry: path }: VoPaths,
  wanted: Wanted,
  login: () => Promise<string | undefined>,
): Promise<Registration[] | undefined> {
  const { bytes } = await quickFiles.read(path, REGISTRY_RULES)
  if (wanted.dn !== undefined && wanted.dn !== EVERY_DN) {
    const found = findRegistrations(bytes, { identity: wanted.dn })
    return found && selectRegistrations(found, wanted, undefined)
  }
  const identityDer = wanted.dn === undefined ? await login() : undefined
  const own = identityDer === undefined ? [] : findRegistrations(bytes, { identityDer })
  if (own === undefined) return undefined
  if (own.length > 0) return selectRegistrations(own, wanted, identityDer)
  const { registrations, invalid } = checkEntries(parseRegistry(bytes, path))
  return invalid.length > 0
    ? undefined
    : selectRegistrations(registrations.values(), wanted, identityDer)
}

function sourcesOf(
  paths: VoPaths,
  owner: number,
  { environment, now }: QuickQuestion,
): QuerySources {
  const beside = new RegistrationFiles(quickFiles, paths)
  const repository = new ProxyRepository({
    files: quickFiles,
    directory: paths.repository,
    owners: [owner],
  })
  let judge: Promise<AttributeJudge> | undefined
  return {
    repository,
    state: (fileName) => beside.readState(fileName),
    judge() {
      judge ??= import('./quick-judge.js').then(({ quickJudge }) => quickJudge(environment))
      return judge
    },
    now,
  }
}
