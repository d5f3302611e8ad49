// The help of sc.
#include "tools/sc/output.h"

namespace ntemu::sc {

std::string usage() {
  return R"(DESCRIPTION:
        sc talks to the service controller of a machine: it installs, starts,
        stops and shows drivers. A machine is booted when none runs.
USAGE:
        sc [--machine DIR] [--json] <command> [service name] <option> <option>...

COMMANDS:
        query------------Shows a service's status, or those of many.
        queryex----------The same, with process and flags.
        start------------Starts a driver: loads it and runs DriverEntry.
        stop-------------Stops a driver: runs DriverUnload.
        create-----------Installs a driver.
        config-----------Changes how a driver is installed.
        delete-----------Removes a driver, at the latest when it has stopped.
        qc---------------Shows how a driver is installed.
        description------Changes a service's description.
        qdescription-----Shows a service's description.
        interrogate------Asks a service for its status.
        pause, continue, control
                         Sent as on Windows; drivers accept none of them.

OPTIONS:
        --machine DIR    The machine's directory. Otherwise $NTEMU_MACHINE, or
                         ntemu/machine in $XDG_STATE_HOME or ~/.local/state.
        --json           Print JSON.
        --version        Print the version.

        'sc <command>' alone prints the command's own options. A command line is
        as on Windows; in a shell, quote what has a backslash:
            sc.exe create TestDrv type= kernel 'binPath=C:\TestDriver.sys'
            sc.exe start TestDrv

        The exit code is 0, or the low byte of the Win32 error (1 if that is 0).
)";
}

namespace {

constexpr const char *kSettingsUsage = R"(
OPTIONS:
NOTE: The option name includes the equal sign. Its value follows it, or is the
      next argument. Names and words are the same in any case.
 type= <kernel|filesys>
       (default = own, which is a process: drivers have to say type= kernel)
 start= <boot|system|auto|demand|disabled>
       (default = demand)
 error= <normal|severe|critical|ignore>
       (default = normal)
 binPath= <path of the image: C:\..., or a file of the host>
 group= <load order group>
 tag= <yes|no>
 depend= <services and +groups, separated by / (forward slash)>
 DisplayName= <display name>
)";

}  // namespace

std::string usage(Verb verb) {
  switch (verb) {
    case Verb::kCreate:
      return std::string(
                 "DESCRIPTION:\n        Installs a driver.\nUSAGE:\n"
                 "        sc create [service name] [binPath= ] <option1> <option2>...\n") +
             kSettingsUsage;
    case Verb::kConfig:
      return std::string(
                 "DESCRIPTION:\n        Changes how a driver is installed; it counts from its next start.\n"
                 "USAGE:\n        sc config [service name] <option1> <option2>...\n") +
             kSettingsUsage;
    case Verb::kStart:
      return "DESCRIPTION:\n        Starts a driver, after those that it depends on.\nUSAGE:\n"
             "        sc start [service name] <arg1> <arg2> ...\n";
    case Verb::kStop:
      return "DESCRIPTION:\n        Stops a driver.\nUSAGE:\n        sc stop [service name]\n";
    case Verb::kPause:
      return "USAGE:\n        sc pause [service name]\n";
    case Verb::kContinue:
      return "USAGE:\n        sc continue [service name]\n";
    case Verb::kInterrogate:
      return "USAGE:\n        sc interrogate [service name]\n";
    case Verb::kControl:
      return "USAGE:\n        sc control [service name] [number of the control]\n";
    case Verb::kQuery:
    case Verb::kQueryEx:
      return "DESCRIPTION:\n        Shows the status of a service, or of those that the options select.\nUSAGE:\n"
             "        sc query [service name]\n        sc query <option1> <option2>...\n\nOPTIONS:\n"
             " type=    <driver|service|all|kernel|filesys>\n          (default = service; every service here is a "
             "driver)\n"
             " state=   <active|inactive|all>\n          (default = active)\n"
             " bufsize= <bytes that the answer may have>\n"
             " ri=      <services to skip>\n          (default = 0)\n"
             " group=   <load order group>\n          (default = all groups)\n";
    case Verb::kQueryConfig:
      return "DESCRIPTION:\n        Shows how a driver is installed.\nUSAGE:\n        sc qc [service name] <buffer "
             "size>\n";
    case Verb::kDelete:
      return "DESCRIPTION:\n        Removes a service. When it runs, it is marked, and goes when it has stopped.\n"
             "USAGE:\n        sc delete [service name]\n";
    case Verb::kDescription:
      return "USAGE:\n        sc description [service name] [description]\n";
    case Verb::kQueryDescription:
      return "USAGE:\n        sc qdescription [service name] <buffer size>\n";
  }
  return {};
}

}  // namespace ntemu::sc
