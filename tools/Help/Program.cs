using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Litestream.Tools.Help;

// Litestream.Tools.Help <pages> <module folder> [--refresh]
// Makes the module's help from the pages; with --refresh brings what stands in the pages from the module up to date instead.
try
{
    string pages = Path.GetFullPath(args[0]);
    string module = Path.GetFullPath(args[1]);
    CmdletInfo[] cmdlets = Cmdlets(module);
    if (args.Contains("--refresh"))
    {
        foreach ((string path, string text) in HelpPages.Refreshed(pages, cmdlets))
        {
            File.WriteAllText(path, text);
        }
    }
    else
    {
        string folder = Directory.CreateDirectory(Path.Combine(module, "en-US")).FullName;
        foreach ((string name, string text) in HelpPages.Made(pages, cmdlets))
        {
            File.WriteAllText(Path.Combine(folder, name), text);
        }
    }

    return 0;
}
catch (HelpFormatException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}

static CmdletInfo[] Cmdlets(string module)
{
    InitialSessionState state = InitialSessionState.CreateDefault2();
    if (OperatingSystem.IsWindows())
    {
        state.ExecutionPolicy = Microsoft.PowerShell.ExecutionPolicy.RemoteSigned;
    }

    using Runspace runspace = RunspaceFactory.CreateRunspace(state);
    runspace.Open();
    using PowerShell shell = PowerShell.Create(runspace);
    shell.AddScript("$ErrorActionPreference = 'Stop'; (Import-Module $args[0] -PassThru).ExportedCmdlets.Values")
        .AddArgument(Path.Combine(module, "Litestream.psd1"));
    CmdletInfo[] cmdlets = [.. shell.Invoke().Select(cmdlet => (CmdletInfo)cmdlet.BaseObject).OrderBy(cmdlet => cmdlet.Name, StringComparer.Ordinal)];
    _ = cmdlets.Select(cmdlet => cmdlet.ParameterSets.Count).ToArray();
    return cmdlets;
}
