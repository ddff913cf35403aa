/** A program of the administrator's that decides or answers something, once. */

export interface CallOutRequest {
  /** Absolute path; no shell looks at it. */
  file: string
  arguments: readonly string[]
  /** Standard input; it may be secret. Default empty. */
  input?: Uint8Array
  /** Variables beside `PATH`, which is all that it has otherwise. */
  environment?: Readonly<Record<string, string>>
}

export interface CallOutAnswer {
  /** Exit status; `undefined` when a signal ended it. */
  status: number | undefined
  stdout: Uint8Array
  /** For the log; control characters are still in it. */
  stderr: string
}

export interface CallOuts {
  /**
   * Runs a program to its end. It and its children are killed at the deadline (default 30 s), when
   * the signal fires, and when it writes more than 1 MiB.
   *
   * @throws `PROGRAM_FAILED` when it cannot be run or was killed; `signal.reason`. A status other
   *   than 0 is an answer and not thrown.
   */
  run(
    request: CallOutRequest,
    options: { signal: AbortSignal; deadlineMs?: number },
  ): Promise<CallOutAnswer>
}
