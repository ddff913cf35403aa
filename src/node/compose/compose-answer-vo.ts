/** The answers that scripts parse, from an open VO: the long way to what `quick-answer` gives. */
import type { VoboxError } from '../../errors.js'
import type { JobView } from '../../jobs/job-view.js'
import { isJobFile } from '../../registry/job-file-name.js'
import type { Registration } from '../../registry/registration.js'
import { type QueryRow, queryRows as readRows } from '../../renewal/query/query.js'
import { secondsLeft } from '../../renewal/query/query-blocks.js'
import { stillShared } from '../jobs/still-shared.js'
import { nextSecond } from '../ports/clock-next.js'
import { nodeFiles } from '../ports/files.js'
import type { VoContext } from './compose.js'
import { type Answer, type AnswerCommand, answer } from './compose-answer.js'
import { judgeOnDemand } from './compose-judge.js'
import { currentUid, glanceAtFile, placeOfLoginProxy } from './compose-login.js'

/**
 * @param jobs where job proxies are among the chosen.
 * @throws VoboxError as `answer` does.
 */
export async function answerFor(
  vo: VoContext,
  command: AnswerCommand,
  chosen: readonly Registration[],
  jobs?: JobView,
): Promise<Answer> {
  const { repository, registry } = jobs ?? vo
  const state = (fileName: string) => registry.state(fileName)
  const judge = async () => judgeOnDemand(vo.config, vo.files)
  const sources = { repository, state, judge, now: nextSecond() }
  const read = (meant: readonly Registration[]) =>
    answer({ ...sources, ...(jobs && { jobsOf: jobs.jobsOf }) }, command, meant)
  const first = await read(chosen)
  const gone = new Set(first.problems.flatMap((problem) => missingFile(problem) ?? []))
  const lost = ({ fileName }: Registration) =>
    isJobFile(fileName) && gone.has(repository.path(fileName)) ? fileName : undefined
  const left = await stillShared(vo, chosen, lost)
  return left.length === chosen.length ? first : read(left)
}

/** What people want to know of registrations, in their order; `jobs` as for {@link answerFor}. */
export async function queryRows(
  vo: VoContext,
  chosen: readonly Registration[],
  jobs?: JobView,
): Promise<QueryRow[]> {
  const rows = await readRows({ ...vo, ...jobs, judge: judgeOnDemand(vo.config, vo.files) }, chosen)
  return stillShared(vo, rows, ({ registration, proxy, jobs: sharers }) =>
    sharers !== undefined && 'problem' in proxy && missingFile(proxy.problem) !== undefined
      ? registration.fileName
      : undefined,
  )
}

/** Path of a file that is not there. */
function missingFile({ code, data }: VoboxError): string | undefined {
  return code === 'FILE_MISSING' ? String(data.path) : undefined
}

/** Seconds left of the login proxy, registered or not. Rejects when there is none to read. */
export async function secondsLeftOfLogin(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const place = placeOfLoginProxy(environment, currentUid())
  return secondsLeft((await glanceAtFile(nodeFiles, place)).effectiveEnd, nextSecond())
}
