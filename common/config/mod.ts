// Configuration files. Apart from common/mod.ts, because threads that read none need not load the library.

export {
  type ConfigFile,
  type ConfigItem,
  type ConfigKey,
  type ConfigList,
  type ConfigMistake,
  type ConfigValue,
  parseConfig,
} from './config-file.ts'
