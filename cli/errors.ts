// What can go wrong between a person's fingers and an answer. Exit codes follow sysexits(3).

import { type ErrorTable, errorsOf } from '../common/mod.ts'

/** Errors of the command line; `errors.md` in the reference shows them to people. */
export const cliErrors = {
  unknown_command: {
    message: 'unknown command {name}',
    status: 400,
    exitCode: 64,
    remedy: '{help} lists the commands',
  },
  mistyped_command: {
    message: 'unknown command {name}; did you mean {nearest}?',
    status: 400,
    exitCode: 64,
    remedy: '{help} lists the commands',
  },
  unknown_option: {
    message: 'unknown option {name}',
    status: 400,
    exitCode: 64,
    remedy: 'weir {command} --help lists the options',
  },
  mistyped_option: {
    message: 'unknown option {name}; did you mean {nearest}?',
    status: 400,
    exitCode: 64,
    remedy: 'weir {command} --help lists the options',
  },
  missing_value: {
    message: 'option {name} needs a value: {metavar}',
    status: 400,
    exitCode: 64,
    remedy: 'weir {command} --help shows examples',
  },
  unwanted_value: {
    message: 'option {name} takes no value',
    status: 400,
    exitCode: 64,
    remedy: 'leave out ={value}',
  },
  unwanted_argument: {
    message: 'weir {command} takes no argument, got {value}',
    status: 400,
    exitCode: 64,
    remedy: 'weir {command} --help shows examples',
  },
  too_many_arguments: {
    message: 'weir {command} takes {operands} and nothing after it, got {value}',
    status: 400,
    exitCode: 64,
    remedy: 'weir {command} --help shows examples',
  },
  missing_argument: {
    message: 'weir {command} needs {operand}',
    status: 400,
    exitCode: 64,
    remedy: 'the usage is: weir {command} {operands}',
  },
  bad_value: {
    message: '{name} {value}: expected {expected}',
    status: 400,
    exitCode: 64,
    remedy: 'weir {command} --help shows examples',
  },
  config_mistake: {
    message: '{mistake}',
    status: 400,
    exitCode: 64,
    remedy: '{hint}',
  },
  config_unreadable: {
    message: 'the configuration file {file} cannot be read: {reason}',
    status: 400,
    exitCode: 64,
    remedy: 'name another with --config or WEIR_CONFIG, or make this one readable',
  },
  no_config: {
    message: 'there is no configuration file {file}, and none was named',
    status: 400,
    exitCode: 64,
    remedy: 'name one: weir config check FILE; weir config print writes one',
  },
  bad_flag: {
    message: '{name}: {reason}',
    status: 400,
    exitCode: 64,
    remedy: '{hint}',
  },
  unknown_name: {
    message: '{name} {value}: there is no {what} of this name',
    status: 400,
    exitCode: 64,
    remedy: '{hint}',
  },
  not_loopback: {
    message: 'refusing to listen on {address} without TLS or a token',
    status: 400,
    exitCode: 77,
    remedy: 'listen on 127.0.0.1, or add --insecure if this network is yours',
  },
  probe_unavailable: {
    message: 'this host cannot be measured: {why}',
    status: 503,
    exitCode: 69,
    remedy: '{remedy}',
  },
  limit_too_low: {
    message: 'this shell allows {limit} {what}, Weir needs {least}',
    status: 503,
    exitCode: 71,
    remedy: 'raise it: {shell}, or {directive} in the unit of systemd',
  },
  file_unwritable: {
    message: 'the file {file} cannot be written: {reason}',
    status: 400,
    exitCode: 73,
    remedy: 'give another with -o; a file that is there is never written over',
  },
  data_folder_unwritable: {
    message: 'the data folder {folder} cannot be made: {reason}',
    status: 503,
    exitCode: 73,
    remedy: 'give another folder with --data, or make this one writable',
  },
  server_unreachable: {
    message: 'no answer from {server}: {reason}',
    status: 503,
    exitCode: 69,
    remedy: 'start one with weir up, name another with --server, or look without one: --local',
  },
  server_refused: {
    message: '{message}',
    status: 400,
    exitCode: 64,
    remedy: '{remedy}',
  },
  server_failed: {
    message: '{server} answered {status}: {message}',
    status: 502,
    exitCode: 69,
    remedy: '{remedy}',
  },
  not_weir: {
    message: '{server} answered, but not as Weir does: {reason}',
    status: 502,
    exitCode: 76,
    remedy: 'name the address that weir up prints: --server http://ADDR:PORT',
  },
} as const satisfies ErrorTable

export const cliError = errorsOf(cliErrors)

/** Thrown where Ctrl-C ended the work: no message, exit code 130. */
export class Interrupted extends Error {}
