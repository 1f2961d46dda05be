# Runs each line of standard input as PowerShell and answers with one line of JSON for every object ("o"), error ("e") and warning ("w"),
# then with a line that is a full stop. This is how the harness uses the module: through its cmdlets, as a user's script would.
$json = [Text.Json.JsonSerializerOptions]::new()
$json.Converters.Add([Text.Json.Serialization.JsonStringEnumConverter]::new())

function ConvertTo-Line($Item) {
    if ($Item -is [Management.Automation.ErrorRecord]) {
        $id = $Item.FullyQualifiedErrorId.Split(',')[0]
        'e ' + [Text.Json.JsonSerializer]::Serialize("${id}: $($Item.Exception.Message)", [string], $json)
    }
    elseif ($Item -is [Management.Automation.WarningRecord]) {
        'w ' + [Text.Json.JsonSerializer]::Serialize($Item.Message, [string], $json)
    }
    else {
        'o ' + [Text.Json.JsonSerializer]::Serialize($Item.PSObject.BaseObject, $Item.PSObject.BaseObject.GetType(), $json)
    }
}

while ($null -ne ($line = [Console]::In.ReadLine())) {
    try {
        foreach ($item in (& ([scriptblock]::Create($line)) *>&1)) {
            [Console]::Out.WriteLine((ConvertTo-Line $item))
        }
    }
    catch {
        [Console]::Out.WriteLine((ConvertTo-Line $_))
    }
    [Console]::Out.WriteLine('.')
    [Console]::Out.Flush()
}
