/** A request that is answered with a code and not served: the code for the client, why for the log. */
import { type FailureDetails, VoboxError } from '../../errors.js'
import { type JobCode, jobCodeText } from './codes.js'

/**
 * @param why for the log, as is the hint: what an administrator can do. The protocol carries the code
 *   alone.
 */
export function jobRefusal(
  code: JobCode,
  why: string,
  { cause, hint }: Pick<FailureDetails, 'cause' | 'hint'> = {},
): VoboxError {
  return new VoboxError('JOB_REQUEST_REFUSED', why, {
    data: { jobCode: code, meaning: jobCodeText(code) },
    hint,
    cause,
  })
}
